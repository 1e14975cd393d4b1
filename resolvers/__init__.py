"""What answers: plain async functions that decide, in a transaction they own. No Strawberry, no Starlette, no SQL."""

"""What may be asked, and in what words. Strawberry lives here and nowhere else."""

SELECT anon_1.kind, anon_1.row_id
FROM (SELECT 1 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 1 AND search_key.key = $1::VARCHAR ORDER BY search_key.row_id DESC
 LIMIT $2::INTEGER) AS anon_1 UNION ALL SELECT anon_2.kind, anon_2.row_id
FROM (SELECT 2 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 2 AND search_key.key = $3::VARCHAR ORDER BY search_key.row_id DESC
 LIMIT $2::INTEGER) AS anon_2 UNION ALL SELECT anon_3.kind, anon_3.row_id
FROM (SELECT 3 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 3 AND search_key.key = $4::VARCHAR ORDER BY search_key.row_id DESC
 LIMIT $2::INTEGER) AS anon_3 UNION ALL SELECT anon_4.kind, anon_4.row_id
FROM (SELECT 3 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 3 AND search_key.key > $4::VARCHAR AND search_key.key < $5::VARCHAR ORDER BY search_key.key, search_key.row_id
 LIMIT $2::INTEGER) AS anon_4 UNION ALL SELECT anon_5.kind, anon_5.row_id
FROM (SELECT 4 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 4 AND search_key.key = $6::VARCHAR ORDER BY search_key.row_id DESC
 LIMIT $2::INTEGER) AS anon_5 UNION ALL SELECT anon_6.kind, anon_6.row_id
FROM (SELECT 5 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 5 AND search_key.key = $7::VARCHAR ORDER BY search_key.row_id DESC
 LIMIT $2::INTEGER) AS anon_6 UNION ALL SELECT anon_7.kind, anon_7.row_id
FROM (SELECT 6 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 6 AND search_key.key = $8::VARCHAR ORDER BY search_key.row_id DESC
 LIMIT $2::INTEGER) AS anon_7 UNION ALL SELECT anon_8.kind, anon_8.row_id
FROM (SELECT 7 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 7 AND search_key.key = $9::VARCHAR ORDER BY search_key.row_id DESC
 LIMIT $2::INTEGER) AS anon_8 UNION ALL SELECT anon_9.kind, anon_9.row_id
FROM (SELECT 8 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 8 AND search_key.key = $10::VARCHAR ORDER BY search_key.row_id DESC
 LIMIT $2::INTEGER) AS anon_9 UNION ALL SELECT anon_10.kind, anon_10.row_id
FROM (SELECT 8 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 8 AND search_key.key > $10::VARCHAR AND search_key.key < $11::VARCHAR ORDER BY search_key.key, search_key.row_id
 LIMIT $2::INTEGER) AS anon_10 UNION ALL SELECT anon_11.kind, anon_11.row_id
FROM (SELECT 10 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 10 AND search_key.key = $12::VARCHAR ORDER BY search_key.row_id DESC
 LIMIT $2::INTEGER) AS anon_11 UNION ALL SELECT anon_12.kind, anon_12.row_id
FROM (SELECT 10 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 10 AND search_key.key > $12::VARCHAR AND search_key.key < $13::VARCHAR ORDER BY search_key.key, search_key.row_id
 LIMIT $2::INTEGER) AS anon_12 UNION ALL SELECT anon_13.kind, anon_13.row_id
FROM (SELECT 11 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 11 AND search_key.key = $14::VARCHAR ORDER BY search_key.row_id DESC
 LIMIT $2::INTEGER) AS anon_13 UNION ALL SELECT anon_14.kind, anon_14.row_id
FROM (SELECT 13 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 13 AND search_key.key = $15::VARCHAR ORDER BY search_key.row_id DESC
 LIMIT $2::INTEGER) AS anon_14 UNION ALL SELECT anon_15.kind, anon_15.row_id
FROM (SELECT 14 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 14 AND search_key.key = $16::VARCHAR ORDER BY search_key.row_id DESC
 LIMIT $2::INTEGER) AS anon_15 UNION ALL SELECT anon_16.kind, anon_16.row_id
FROM (SELECT 14 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 14 AND search_key.key > $16::VARCHAR AND search_key.key < $17::VARCHAR ORDER BY search_key.key, search_key.row_id
 LIMIT $2::INTEGER) AS anon_16 UNION ALL SELECT anon_17.kind, anon_17.row_id
FROM (SELECT 16 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 16 AND search_key.key = $18::VARCHAR ORDER BY search_key.row_id DESC
 LIMIT $2::INTEGER) AS anon_17 UNION ALL SELECT anon_18.kind, anon_18.row_id
FROM (SELECT 16 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 16 AND search_key.key > $18::VARCHAR AND search_key.key < $19::VARCHAR ORDER BY search_key.key, search_key.row_id
 LIMIT $2::INTEGER) AS anon_18;

SELECT anon_1.kind, anon_1.row_id
FROM (SELECT 1 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.token_key < $1::VARCHAR ORDER BY ticket_request.token_key DESC
 LIMIT $2::INTEGER) AS anon_1 UNION ALL SELECT anon_2.kind, anon_2.row_id
FROM (SELECT 1 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.token_key > $1::VARCHAR ORDER BY ticket_request.token_key
 LIMIT $2::INTEGER) AS anon_2 UNION ALL SELECT anon_3.kind, anon_3.row_id
FROM (SELECT 3 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.order_key < $3::VARCHAR ORDER BY ticket_request.order_key DESC
 LIMIT $2::INTEGER) AS anon_3 UNION ALL SELECT anon_4.kind, anon_4.row_id
FROM (SELECT 3 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.order_key > $3::VARCHAR ORDER BY ticket_request.order_key
 LIMIT $2::INTEGER) AS anon_4 UNION ALL SELECT anon_5.kind, anon_5.row_id
FROM (SELECT 3 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 3 AND search_key.key < $4::VARCHAR ORDER BY search_key.key DESC
 LIMIT $2::INTEGER) AS anon_5 UNION ALL SELECT anon_6.kind, anon_6.row_id
FROM (SELECT 3 AS kind, search_key.row_id AS row_id
FROM search_key
WHERE search_key.kind = 3 AND search_key.key > $4::VARCHAR ORDER BY search_key.key
 LIMIT $2::INTEGER) AS anon_6 UNION ALL SELECT anon_7.kind, anon_7.row_id
FROM (SELECT 4 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.receipt_key < $5::VARCHAR ORDER BY ticket_request.receipt_key DESC
 LIMIT $2::INTEGER) AS anon_7 UNION ALL SELECT anon_8.kind, anon_8.row_id
FROM (SELECT 4 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.receipt_key > $5::VARCHAR ORDER BY ticket_request.receipt_key
 LIMIT $2::INTEGER) AS anon_8 UNION ALL SELECT anon_9.kind, anon_9.row_id
FROM (SELECT 6 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.payment_key < $6::VARCHAR ORDER BY ticket_request.payment_key DESC
 LIMIT $2::INTEGER) AS anon_9 UNION ALL SELECT anon_10.kind, anon_10.row_id
FROM (SELECT 6 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.payment_key > $6::VARCHAR ORDER BY ticket_request.payment_key
 LIMIT $2::INTEGER) AS anon_10 UNION ALL SELECT anon_11.kind, anon_11.row_id
FROM (SELECT 7 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.customer_key < $7::VARCHAR ORDER BY ticket_request.customer_key DESC
 LIMIT $2::INTEGER) AS anon_11 UNION ALL SELECT anon_12.kind, anon_12.row_id
FROM (SELECT 7 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.customer_key > $7::VARCHAR ORDER BY ticket_request.customer_key
 LIMIT $2::INTEGER) AS anon_12 UNION ALL SELECT anon_13.kind, anon_13.row_id
FROM (SELECT 11 AS kind, issued_ticket.id AS row_id
FROM issued_ticket
WHERE issued_ticket.number_key < $8::VARCHAR ORDER BY issued_ticket.number_key DESC
 LIMIT $2::INTEGER) AS anon_13 UNION ALL SELECT anon_14.kind, anon_14.row_id
FROM (SELECT 11 AS kind, issued_ticket.id AS row_id
FROM issued_ticket
WHERE issued_ticket.number_key > $8::VARCHAR ORDER BY issued_ticket.number_key
 LIMIT $2::INTEGER) AS anon_14 UNION ALL SELECT anon_15.kind, anon_15.row_id
FROM (SELECT 13 AS kind, customer.id AS row_id
FROM customer
WHERE customer.customer_key < $9::VARCHAR ORDER BY customer.customer_key DESC
 LIMIT $2::INTEGER) AS anon_15 UNION ALL SELECT anon_16.kind, anon_16.row_id
FROM (SELECT 13 AS kind, customer.id AS row_id
FROM customer
WHERE customer.customer_key > $9::VARCHAR ORDER BY customer.customer_key
 LIMIT $2::INTEGER) AS anon_16;

SELECT anon_1.kind, anon_1.row_id
FROM (SELECT 1 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.token_key = $1::VARCHAR ORDER BY ticket_request.id DESC
 LIMIT $2::INTEGER) AS anon_1 UNION ALL SELECT anon_2.kind, anon_2.row_id
FROM (SELECT 2 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.code_key = $3::VARCHAR ORDER BY ticket_request.id DESC
 LIMIT $2::INTEGER) AS anon_2 UNION ALL SELECT anon_3.kind, anon_3.row_id
FROM (SELECT 3 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.order_key = $4::VARCHAR ORDER BY ticket_request.id DESC
 LIMIT $2::INTEGER) AS anon_3 UNION ALL SELECT anon_4.kind, anon_4.row_id
FROM (SELECT 4 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.receipt_key = $5::VARCHAR ORDER BY ticket_request.id DESC
 LIMIT $2::INTEGER) AS anon_4 UNION ALL SELECT anon_5.kind, anon_5.row_id
FROM (SELECT 6 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.payment_key = $6::VARCHAR ORDER BY ticket_request.id DESC
 LIMIT $2::INTEGER) AS anon_5 UNION ALL SELECT anon_6.kind, anon_6.row_id
FROM (SELECT 7 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.customer_key = $7::VARCHAR ORDER BY ticket_request.id DESC
 LIMIT $2::INTEGER) AS anon_6 UNION ALL SELECT anon_7.kind, anon_7.row_id
FROM (SELECT 11 AS kind, issued_ticket.id AS row_id
FROM issued_ticket
WHERE issued_ticket.number_key = $8::VARCHAR ORDER BY issued_ticket.id DESC
 LIMIT $2::INTEGER) AS anon_7 UNION ALL SELECT anon_8.kind, anon_8.row_id
FROM (SELECT 12 AS kind, issued_ticket.id AS row_id
FROM issued_ticket
WHERE issued_ticket.ticket_no = $9::VARCHAR ORDER BY issued_ticket.id DESC
 LIMIT $2::INTEGER) AS anon_8 UNION ALL SELECT anon_9.kind, anon_9.row_id
FROM (SELECT 13 AS kind, customer.id AS row_id
FROM customer
WHERE customer.customer_key = $10::VARCHAR ORDER BY customer.id DESC
 LIMIT $2::INTEGER) AS anon_9;

SELECT issued_ticket.id, issued_ticket.request_id, issued_ticket.line_id, issued_ticket.item_id, issued_ticket.client_id, issued_ticket.ticket_no, issued_ticket.external_ticket_no, issued_ticket.number_key, issued_ticket.kind, issued_ticket.quantity, issued_ticket.price_minor, issued_ticket.currency, issued_ticket.issued_at, issued_ticket.valid_from, issued_ticket.valid_until, issued_ticket.valid_from_date, issued_ticket.valid_until_date, issued_ticket.blocked_at, issued_ticket.blocked_reason, issued_ticket.revoked_at, issued_ticket.printed_at, issued_ticket.print_count
FROM issued_ticket
WHERE issued_ticket.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT request_event.at, request_event.gate
FROM request_event
WHERE request_event.scanned_key = $1::VARCHAR AND request_event.request_id IS NULL ORDER BY request_event.tx DESC, request_event.id DESC
 LIMIT $2::INTEGER;

SELECT sales_order.id, sales_order.client_id, sales_order.first_client_id, sales_order.channel, sales_order.external_order_no, sales_order.order_key, sales_order.receipt_no, sales_order.receipt_key, sales_order.pos_unit_no, sales_order.pos_unit_key, sales_order.customer_key, sales_order.placed_at, sales_order.total_minor, sales_order.currency, sales_order.document_status
FROM sales_order
WHERE sales_order.order_key = ANY (CAST((SELECT $1::TEXT[] AS anon_1) AS TEXT[])) ORDER BY sales_order.id;

SELECT ticket_request.id, ticket_request.client_id, client.name AS client, ticket_request.token, ticket_request.token_key, ticket_request.authorization_code, ticket_request.fingerprint, ticket_request.fingerprint_version, ticket_request.channel, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN ticket_request.expires_at ELSE ticket_request.status_changed_at END AS status_changed_at, ticket_request.created_at, ticket_request.expires_at, ticket_request.payment_option, ticket_request.payment_reference, ticket_request.currency, ticket_request.total_minor, ticket_request.customer_no, ticket_request.customer_key, ticket_request.email, ticket_request.phone, ticket_request.ticket_holder_name, ticket_request.language, ticket_request.external_order_no, ticket_request.order_key, ticket_request.receipt_no, ticket_request.receipt_key, ticket_request.pos_unit_no, ticket_request.pos_unit_key, ticket_request.salesperson_code, NOT (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) AS is_stamped
FROM ticket_request LEFT OUTER JOIN client ON ticket_request.client_id = client.id
WHERE ticket_request.id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[]));


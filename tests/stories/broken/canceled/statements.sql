SELECT admission.id, admission.code, admission.code_key, admission.description, admission.kind, admission.time_zone, admission.capacity_limits_by, admission.capacity_control, admission.max_capacity, admission.prebook_required, admission.default_schedule, admission.calendar_id, admission.generated_on
FROM admission
WHERE admission.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

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

SELECT asked.ordinal AS ordinal, (SELECT count(*) AS count_1
FROM (SELECT i.id AS id
FROM issued_ticket AS i
WHERE i.request_id = asked.c0
 LIMIT $1::INTEGER) AS anon_2) AS anon_1
FROM unnest(CAST((SELECT $2::BIGINT[] AS anon_3) AS BIGINT[])) WITH ORDINALITY AS asked(c0, ordinal);

SELECT issued_ticket.id, issued_ticket.request_id, issued_ticket.line_id, issued_ticket.item_id, issued_ticket.client_id, issued_ticket.ticket_no, issued_ticket.external_ticket_no, issued_ticket.number_key, issued_ticket.kind, issued_ticket.quantity, issued_ticket.price_minor, issued_ticket.currency, issued_ticket.issued_at, issued_ticket.valid_from, issued_ticket.valid_until, issued_ticket.valid_from_date, issued_ticket.valid_until_date, issued_ticket.blocked_at, issued_ticket.blocked_reason, issued_ticket.revoked_at, issued_ticket.printed_at, issued_ticket.print_count
FROM issued_ticket
WHERE issued_ticket.request_id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[])) ORDER BY issued_ticket.id;

SELECT order_key.client_id, order_key.key, order_key.request_id
FROM unnest(CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]), CAST((SELECT $2::TEXT[] AS anon_2) AS TEXT[])) WITH ORDINALITY AS asked(c0, c1, ordinal) JOIN order_key ON order_key.client_id = asked.c0 AND order_key.key = asked.c1;

SELECT page.id, page.external_ticket_no, asked.ordinal AS ordinal
FROM unnest(CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[])) WITH ORDINALITY AS asked(c0, ordinal) JOIN LATERAL (SELECT issued_ticket.id AS id, issued_ticket.external_ticket_no AS external_ticket_no
FROM issued_ticket
WHERE issued_ticket.request_id = asked.c0 ORDER BY issued_ticket.id
 LIMIT $2::INTEGER) AS page ON true;

SELECT request_entry.id, request_entry.request_id, request_entry.line_id, request_entry.content_line_id, request_entry.admission_id, request_entry.inclusion, request_entry.is_primary, request_entry.quantity, request_entry.slot_id, request_line.line_no, ticket_request.client_id, ticket_request.token, ticket_request.authorization_code, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status
FROM request_entry LEFT OUTER JOIN request_line ON request_entry.line_id = request_line.id LEFT OUTER JOIN ticket_request ON request_entry.request_id = ticket_request.id
WHERE request_entry.request_id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[])) AND request_entry.replaced_at IS NULL ORDER BY request_entry.id;

SELECT request_event.id, request_event.tx, request_event.at, request_event.recorded_at, request_event.kind, request_event.actor, request_event.request_id, request_event.ticket_id, request_event.access_entry_id, request_event.admission_id, request_event.slot_id, request_event.quantity, request_event.scanned, request_event.gate, request_event.refusal_code, request_event.customer_id, request_event.facts, (SELECT history.epoch
FROM history) AS anon_1
FROM request_event
WHERE request_event.request_id = ANY ($1::BIGINT[]) AND request_event.kind IN ($2::VARCHAR, $3::VARCHAR, $4::VARCHAR) ORDER BY request_event.tx, request_event.id;

SELECT request_line.id, request_line.request_id, request_line.item_id, request_line.quantity, ticket_request.client_id, ticket_request.email, ticket_request.ticket_holder_name, ticket_request.external_order_no, ticket_request.receipt_no
FROM request_line LEFT OUTER JOIN ticket_request ON request_line.request_id = ticket_request.id
WHERE request_line.request_id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[])) AND request_line.replaced_at IS NULL ORDER BY request_line.line_no, request_line.id;

SELECT request_line.request_id, request_line.dictated_nos, request_line.replaced_at
FROM request_line
WHERE request_line.request_id = ANY ($1::BIGINT[]) ORDER BY request_line.id;

SELECT ticket_item.id, ticket_item.item_no, ticket_item.item_key, ticket_item.variant_code, ticket_item.variant_key, ticket_item.description, ticket_item.ticket_type_id, ticket_item.unit_price_minor, ticket_item.currency, ticket_item.is_blocked
FROM ticket_item
WHERE ticket_item.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT ticket_request.id, ticket_request.client_id, client.name AS client, ticket_request.token, ticket_request.token_key, ticket_request.authorization_code, ticket_request.fingerprint, ticket_request.fingerprint_version, ticket_request.channel, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN ticket_request.expires_at ELSE ticket_request.status_changed_at END AS status_changed_at, ticket_request.created_at, ticket_request.expires_at, ticket_request.payment_option, ticket_request.payment_reference, ticket_request.currency, ticket_request.total_minor, ticket_request.customer_no, ticket_request.customer_key, ticket_request.email, ticket_request.phone, ticket_request.ticket_holder_name, ticket_request.language, ticket_request.external_order_no, ticket_request.order_key, ticket_request.receipt_no, ticket_request.receipt_key, ticket_request.pos_unit_no, ticket_request.pos_unit_key, ticket_request.salesperson_code, NOT (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) AS is_stamped
FROM ticket_request LEFT OUTER JOIN client ON ticket_request.client_id = client.id
WHERE ticket_request.id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT ticket_request.id, ticket_request.client_id, client.name AS client, ticket_request.token, ticket_request.token_key, ticket_request.authorization_code, ticket_request.fingerprint, ticket_request.fingerprint_version, ticket_request.channel, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN ticket_request.expires_at ELSE ticket_request.status_changed_at END AS status_changed_at, ticket_request.created_at, ticket_request.expires_at, ticket_request.payment_option, ticket_request.payment_reference, ticket_request.currency, ticket_request.total_minor, ticket_request.customer_no, ticket_request.customer_key, ticket_request.email, ticket_request.phone, ticket_request.ticket_holder_name, ticket_request.language, ticket_request.external_order_no, ticket_request.order_key, ticket_request.receipt_no, ticket_request.receipt_key, ticket_request.pos_unit_no, ticket_request.pos_unit_key, ticket_request.salesperson_code, NOT (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) AS is_stamped
FROM ticket_request LEFT OUTER JOIN client ON ticket_request.client_id = client.id
WHERE ticket_request.id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[]));


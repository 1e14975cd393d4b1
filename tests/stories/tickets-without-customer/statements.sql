SELECT access_entry.ticket_id, access_entry.admission_id, access_entry.slot_id, access_entry.admitted_count
FROM access_entry
WHERE access_entry.ticket_id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[])) ORDER BY access_entry.content_line_id, access_entry.id;

SELECT admission.id, admission.description
FROM admission
WHERE admission.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT count(*) AS count_1
FROM (SELECT i.id AS id
FROM issued_ticket AS i
WHERE i.valid_from_date <= $1::DATE AND i.valid_until_date >= $2::DATE AND (EXISTS (SELECT request.id
FROM ticket_request AS request
WHERE request.id = i.request_id AND NOT (EXISTS (SELECT known.id
FROM customer AS known
WHERE known.customer_key = request.customer_key))))
 LIMIT $3::INTEGER) AS anon_1;

SELECT issued_ticket.id, issued_ticket.request_id, issued_ticket.line_id, issued_ticket.item_id, issued_ticket.external_ticket_no, issued_ticket.quantity, issued_ticket.issued_at, issued_ticket.valid_until, issued_ticket.blocked_at, issued_ticket.revoked_at
FROM issued_ticket
WHERE issued_ticket.valid_from_date <= $1::DATE AND issued_ticket.valid_until_date >= $2::DATE AND (EXISTS (SELECT request.id
FROM ticket_request AS request
WHERE request.id = issued_ticket.request_id AND NOT (EXISTS (SELECT known.id
FROM customer AS known
WHERE known.customer_key = request.customer_key)))) ORDER BY issued_ticket.issued_at DESC, issued_ticket.id DESC
 LIMIT 51;

SELECT request_line.id, request_line.request_id, ticket_request.client_id, ticket_request.email, ticket_request.phone, ticket_request.ticket_holder_name, ticket_request.external_order_no, ticket_request.receipt_no, ticket_request.pos_unit_no
FROM request_line LEFT OUTER JOIN ticket_request ON request_line.request_id = ticket_request.id
WHERE request_line.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT ticket_item.id, ticket_item.item_no, ticket_item.item_key, ticket_item.variant_code, ticket_item.variant_key, ticket_item.description, ticket_item.ticket_type_id, ticket_item.unit_price_minor, ticket_item.currency, ticket_item.is_blocked
FROM ticket_item
WHERE ticket_item.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT ticket_request.id, client.name AS client, ticket_request.token, ticket_request.channel, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status
FROM ticket_request LEFT OUTER JOIN client ON ticket_request.client_id = client.id
WHERE ticket_request.id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[]));


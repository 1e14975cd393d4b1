SELECT count(*) AS count_1
FROM (SELECT i.id AS id
FROM ticket_request AS i
 LIMIT $1::INTEGER) AS anon_1;

SELECT customer.id, customer.customer_no, customer.customer_key, customer.name, customer.email, customer.phone, customer.first_client_id
FROM customer
WHERE customer.customer_key = ANY ($1::TEXT[]);

SELECT request_line.id, request_line.request_id, request_line.line_no, request_line.item_id, request_line.quantity, request_line.unit_price_minor, ticket_request.currency, ticket_request.client_id, ticket_request.customer_no, ticket_request.customer_key, ticket_request.email, ticket_request.phone, ticket_request.ticket_holder_name, ticket_request.language, ticket_request.external_order_no, ticket_request.receipt_no, ticket_request.pos_unit_no, ticket_request.salesperson_code
FROM request_line JOIN ticket_request ON request_line.request_id = ticket_request.id
WHERE request_line.request_id = ANY ($1::BIGINT[]) AND request_line.replaced_at IS NULL ORDER BY request_line.line_no, request_line.id;

SELECT ticket_item.id, ticket_item.item_no, ticket_item.item_key, ticket_item.variant_code, ticket_item.variant_key, ticket_item.description, ticket_item.ticket_type_id, ticket_item.unit_price_minor, ticket_item.currency, ticket_item.is_blocked
FROM ticket_item
WHERE ticket_item.id = ANY ($1::BIGINT[]);

SELECT ticket_request.id, ticket_request.client_id, client.name AS client, ticket_request.token, ticket_request.token_key, ticket_request.authorization_code, ticket_request.fingerprint, ticket_request.fingerprint_version, ticket_request.channel, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN ticket_request.expires_at ELSE ticket_request.status_changed_at END AS status_changed_at, ticket_request.created_at, ticket_request.expires_at, ticket_request.payment_option, ticket_request.payment_reference, ticket_request.currency, ticket_request.total_minor, ticket_request.customer_no, ticket_request.customer_key, ticket_request.email, ticket_request.phone, ticket_request.ticket_holder_name, ticket_request.language, ticket_request.external_order_no, ticket_request.order_key, ticket_request.receipt_no, ticket_request.receipt_key, ticket_request.pos_unit_no, ticket_request.pos_unit_key, ticket_request.salesperson_code, NOT (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) AS is_stamped
FROM ticket_request JOIN client ON ticket_request.client_id = client.id
WHERE ticket_request.id IN (SELECT anon_1.id
FROM (SELECT i.id AS id
FROM ticket_request AS i ORDER BY i.created_at DESC, i.id DESC
 LIMIT $3::INTEGER) AS anon_1);


SELECT count(*) AS count_1
FROM (SELECT i.id AS id
FROM ticket_request AS i
 LIMIT $1::INTEGER) AS anon_1;

SELECT customer.id, customer.customer_no, customer.customer_key, customer.name, customer.first_client_id
FROM customer
WHERE customer.customer_key = ANY (CAST((SELECT $1::TEXT[] AS anon_1) AS TEXT[]));

SELECT request_line.id, request_line.request_id, request_line.item_id, request_line.quantity, ticket_request.client_id, ticket_request.email, ticket_request.ticket_holder_name, ticket_request.external_order_no, ticket_request.receipt_no
FROM request_line LEFT OUTER JOIN ticket_request ON request_line.request_id = ticket_request.id
WHERE request_line.request_id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[])) AND request_line.replaced_at IS NULL ORDER BY request_line.line_no, request_line.id;

SELECT ticket_item.id, ticket_item.item_no, ticket_item.item_key, ticket_item.variant_code, ticket_item.variant_key, ticket_item.description, ticket_item.ticket_type_id, ticket_item.unit_price_minor, ticket_item.currency, ticket_item.is_blocked
FROM ticket_item
WHERE ticket_item.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT ticket_request.id, client.name AS client, ticket_request.token, ticket_request.channel, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status, ticket_request.created_at, ticket_request.payment_option, ticket_request.currency, ticket_request.total_minor, ticket_request.customer_key
FROM ticket_request LEFT OUTER JOIN client ON ticket_request.client_id = client.id ORDER BY ticket_request.created_at DESC, ticket_request.id DESC
 LIMIT 21;


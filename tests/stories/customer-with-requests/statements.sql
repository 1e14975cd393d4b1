SELECT access_entry.ticket_id, access_entry.admission_id, access_entry.slot_id, access_entry.first_admitted_at
FROM access_entry
WHERE access_entry.ticket_id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[])) ORDER BY access_entry.content_line_id, access_entry.id;

SELECT admission.id, admission.code
FROM admission
WHERE admission.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT asked.ordinal AS ordinal, (SELECT count(*) AS count_1
FROM (SELECT i.id AS id
FROM issued_ticket AS i
WHERE i.request_id IN (SELECT "of".id
FROM ticket_request AS "of"
WHERE "of".customer_key = asked.c0)
 LIMIT $1::INTEGER) AS anon_2) AS anon_1
FROM unnest(CAST((SELECT $2::TEXT[] AS anon_3) AS TEXT[])) WITH ORDINALITY AS asked(c0, ordinal);

SELECT asked.ordinal AS ordinal, (SELECT count(*) AS count_1
FROM (SELECT i.id AS id
FROM ticket_request AS i
WHERE i.customer_key = asked.c0
 LIMIT $1::INTEGER) AS anon_2) AS anon_1
FROM unnest(CAST((SELECT $2::TEXT[] AS anon_3) AS TEXT[])) WITH ORDINALITY AS asked(c0, ordinal);

SELECT customer.id, customer.customer_no, customer.customer_key, customer.name, customer.email, customer.phone, customer.first_client_id
FROM customer
WHERE customer.customer_key = ANY (CAST((SELECT $1::TEXT[] AS anon_1) AS TEXT[]));

SELECT page.id, page.client_id, page.token, page.status, page.created_at, page.order_key, page.receipt_key, page.pos_unit_key, asked.ordinal AS ordinal
FROM unnest(CAST((SELECT $1::TEXT[] AS anon_1) AS TEXT[])) WITH ORDINALITY AS asked(c0, ordinal) JOIN LATERAL (SELECT ticket_request.id AS id, ticket_request.client_id AS client_id, ticket_request.token AS token, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $2::TIMESTAMP WITH TIME ZONE) THEN $3::VARCHAR ELSE ticket_request.status END AS status, ticket_request.created_at AS created_at, ticket_request.order_key AS order_key, ticket_request.receipt_key AS receipt_key, ticket_request.pos_unit_key AS pos_unit_key
FROM ticket_request LEFT OUTER JOIN client ON ticket_request.client_id = client.id
WHERE ticket_request.customer_key = asked.c0 ORDER BY ticket_request.id DESC
 LIMIT $4::INTEGER) AS page ON true;

SELECT page.id, page.external_ticket_no, page.valid_until, page.blocked_at, page.revoked_at, asked.ordinal AS ordinal
FROM unnest(CAST((SELECT $1::TEXT[] AS anon_1) AS TEXT[])) WITH ORDINALITY AS asked(c0, ordinal) JOIN LATERAL (SELECT issued_ticket.id AS id, issued_ticket.external_ticket_no AS external_ticket_no, issued_ticket.valid_until AS valid_until, issued_ticket.blocked_at AS blocked_at, issued_ticket.revoked_at AS revoked_at
FROM issued_ticket
WHERE issued_ticket.request_id IN (SELECT "of".id
FROM ticket_request AS "of"
WHERE "of".customer_key = asked.c0) ORDER BY issued_ticket.id DESC
 LIMIT $2::INTEGER) AS page ON true;

SELECT request_line.request_id, request_line.item_id, request_line.quantity, ticket_request.external_order_no
FROM request_line LEFT OUTER JOIN ticket_request ON request_line.request_id = ticket_request.id
WHERE request_line.request_id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[])) AND request_line.replaced_at IS NULL ORDER BY request_line.line_no, request_line.id;

SELECT sales_order.id, sales_order.client_id, sales_order.first_client_id, sales_order.channel, sales_order.external_order_no, sales_order.order_key, sales_order.receipt_no, sales_order.receipt_key, sales_order.pos_unit_no, sales_order.pos_unit_key, sales_order.customer_key, sales_order.placed_at, sales_order.total_minor, sales_order.currency, sales_order.document_status
FROM unnest(CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]), CAST((SELECT $2::TEXT[] AS anon_2) AS TEXT[])) WITH ORDINALITY AS asked(c0, c1, ordinal) JOIN sales_order ON sales_order.client_id = asked.c0 AND sales_order.order_key = asked.c1;

SELECT ticket_item.id, ticket_item.item_no, ticket_item.item_key, ticket_item.variant_code, ticket_item.variant_key, ticket_item.description, ticket_item.ticket_type_id, ticket_item.unit_price_minor, ticket_item.currency, ticket_item.is_blocked
FROM ticket_item
WHERE ticket_item.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT time_slot.id, time_slot.line_id, time_slot.date, time_slot.admission_id, time_slot.starts_at, time_slot.ends_at, time_slot.arrival_from, time_slot.arrival_until, time_slot.sales_from, time_slot.sales_until, time_slot.state, time_slot.closed_reason, time_slot.sold_places, schedule.code, admission.time_zone, CASE WHEN (admission.capacity_limits_by = $1::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $2::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END AS control_in_force, CASE WHEN (CASE WHEN (admission.capacity_limits_by = $3::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $4::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END != $5::VARCHAR) THEN CASE WHEN (admission.capacity_limits_by = $6::VARCHAR) THEN admission.max_capacity WHEN (admission.capacity_limits_by = $7::VARCHAR) THEN schedule.max_capacity ELSE coalesce(time_slot.max_capacity, schedule_line.max_capacity) END END AS capacity, admission.kind
FROM time_slot JOIN admission ON time_slot.admission_id = admission.id JOIN schedule_line ON time_slot.line_id = schedule_line.id JOIN schedule ON schedule_line.schedule_id = schedule.id
WHERE time_slot.id = ANY (CAST((SELECT $8::BIGINT[] AS anon_1) AS BIGINT[]));


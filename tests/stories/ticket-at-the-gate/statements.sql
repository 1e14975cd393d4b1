SELECT access_entry.ticket_id, access_entry.admission_id, access_entry.slot_id, access_entry.admitted_count
FROM access_entry
WHERE access_entry.ticket_id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[])) ORDER BY access_entry.content_line_id, access_entry.id;

SELECT admission.id, admission.code
FROM admission
WHERE admission.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT asked.ordinal AS ordinal, (SELECT count(*) AS count_1
FROM (SELECT i.id AS id
FROM issued_ticket AS i
WHERE i.request_id = asked.c0 AND i.id IN ($3::BIGINT)
 LIMIT $1::INTEGER) AS anon_2) AS anon_1
FROM unnest(CAST((SELECT $2::BIGINT[] AS anon_3) AS BIGINT[])) WITH ORDINALITY AS asked(c0, ordinal);

SELECT issued_ticket.id, issued_ticket.request_id, issued_ticket.line_id, issued_ticket.item_id, issued_ticket.external_ticket_no, issued_ticket.number_key, issued_ticket.quantity, issued_ticket.valid_from, issued_ticket.valid_until, issued_ticket.blocked_at, issued_ticket.revoked_at
FROM issued_ticket
WHERE issued_ticket.number_key = ANY (CAST((SELECT $1::TEXT[] AS anon_1) AS TEXT[]));

SELECT page.id, asked.ordinal AS ordinal
FROM unnest(CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[])) WITH ORDINALITY AS asked(c0, ordinal) JOIN LATERAL (SELECT issued_ticket.id AS id
FROM issued_ticket
WHERE issued_ticket.request_id = asked.c0 AND issued_ticket.id IN ($3::BIGINT) ORDER BY issued_ticket.id
 LIMIT $2::INTEGER) AS page ON true;

SELECT request_line.id, request_line.request_id, ticket_request.client_id, ticket_request.email, ticket_request.ticket_holder_name
FROM request_line LEFT OUTER JOIN ticket_request ON request_line.request_id = ticket_request.id
WHERE request_line.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[])) AND request_line.id IN (SELECT issued_ticket.line_id
FROM issued_ticket
WHERE issued_ticket.id IN ($2::BIGINT));

SELECT ticket_item.id, ticket_item.item_no, ticket_item.item_key, ticket_item.variant_code, ticket_item.variant_key, ticket_item.description, ticket_item.ticket_type_id, ticket_item.unit_price_minor, ticket_item.currency, ticket_item.is_blocked
FROM ticket_item
WHERE ticket_item.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT ticket_request.id, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status, ticket_request.payment_option
FROM ticket_request LEFT OUTER JOIN client ON ticket_request.client_id = client.id
WHERE ticket_request.id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[])) AND ticket_request.id IN (SELECT issued_ticket.request_id
FROM issued_ticket
WHERE issued_ticket.id IN ($4::BIGINT));

SELECT ticket_request.id, customer.id AS id_1, customer.customer_no, customer.customer_key, customer.name, customer.email, customer.phone, customer.first_client_id
FROM ticket_request JOIN customer ON ticket_request.customer_key = customer.customer_key
WHERE false;

SELECT time_slot.id, time_slot.line_id, time_slot.date, time_slot.admission_id, time_slot.starts_at, time_slot.ends_at, time_slot.arrival_from, time_slot.arrival_until, time_slot.sales_from, time_slot.sales_until, time_slot.state, time_slot.closed_reason, time_slot.sold_places, schedule.code, admission.time_zone, CASE WHEN (admission.capacity_limits_by = $1::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $2::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END AS control_in_force, CASE WHEN (CASE WHEN (admission.capacity_limits_by = $3::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $4::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END != $5::VARCHAR) THEN CASE WHEN (admission.capacity_limits_by = $6::VARCHAR) THEN admission.max_capacity WHEN (admission.capacity_limits_by = $7::VARCHAR) THEN schedule.max_capacity ELSE coalesce(time_slot.max_capacity, schedule_line.max_capacity) END END AS capacity, admission.kind
FROM time_slot JOIN admission ON time_slot.admission_id = admission.id JOIN schedule_line ON time_slot.line_id = schedule_line.id JOIN schedule ON schedule_line.schedule_id = schedule.id
WHERE time_slot.id = ANY (CAST((SELECT $8::BIGINT[] AS anon_1) AS BIGINT[]));


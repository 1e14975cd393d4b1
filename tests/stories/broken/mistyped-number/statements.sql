SELECT access_entry.id, access_entry.ticket_id, access_entry.admission_id, access_entry.content_line_id, access_entry.entry_id, access_entry.slot_id, access_entry.quantity, access_entry.blocked_at, access_entry.blocked_reason, access_entry.first_admitted_at, access_entry.admitted_count, access_entry.inside_count, content_line.id AS id_1, content_line.item_id, content_line.admission_id AS admission_id_1, content_line.is_default, content_line.inclusion, content_line.quantity AS quantity_1, content_line.activation, content_line.entry_validation, content_line.max_entries, content_line.duration_days, content_line.reschedule_policy, content_line.reschedule_cut_off_seconds, content_line.revoke_policy, content_line.refund_basis_points, content_line.rescan_within_seconds, content_line.capacity_basis_points, content_line.pos_may_exceed_capacity, content_line.calendar_id, content_line.retired_at, admission.id AS id_2, admission.code, admission.code_key, admission.description, admission.kind, admission.time_zone, admission.capacity_limits_by, admission.capacity_control, admission.max_capacity, admission.prebook_required, admission.default_schedule, admission.calendar_id AS calendar_id_1, admission.generated_on, EXISTS (SELECT dependency.kind
FROM dependency
WHERE dependency.content_line_id = content_line.id) AS anon_1
FROM access_entry JOIN content_line ON access_entry.content_line_id = content_line.id JOIN admission ON access_entry.admission_id = admission.id
WHERE access_entry.ticket_id = ANY (CAST((SELECT $1::BIGINT[] AS anon_2) AS BIGINT[])) ORDER BY access_entry.content_line_id, access_entry.id;

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
FROM (SELECT 1 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.token_key = $3::VARCHAR ORDER BY ticket_request.id DESC
 LIMIT $2::INTEGER) AS anon_2 UNION ALL SELECT anon_3.kind, anon_3.row_id
FROM (SELECT 2 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.code_key = $4::VARCHAR ORDER BY ticket_request.id DESC
 LIMIT $2::INTEGER) AS anon_3 UNION ALL SELECT anon_4.kind, anon_4.row_id
FROM (SELECT 2 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.code_key = $5::VARCHAR ORDER BY ticket_request.id DESC
 LIMIT $2::INTEGER) AS anon_4 UNION ALL SELECT anon_5.kind, anon_5.row_id
FROM (SELECT 3 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.order_key = $6::VARCHAR ORDER BY ticket_request.id DESC
 LIMIT $2::INTEGER) AS anon_5 UNION ALL SELECT anon_6.kind, anon_6.row_id
FROM (SELECT 3 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.order_key = $7::VARCHAR ORDER BY ticket_request.id DESC
 LIMIT $2::INTEGER) AS anon_6 UNION ALL SELECT anon_7.kind, anon_7.row_id
FROM (SELECT 4 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.receipt_key = $8::VARCHAR ORDER BY ticket_request.id DESC
 LIMIT $2::INTEGER) AS anon_7 UNION ALL SELECT anon_8.kind, anon_8.row_id
FROM (SELECT 4 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.receipt_key = $9::VARCHAR ORDER BY ticket_request.id DESC
 LIMIT $2::INTEGER) AS anon_8 UNION ALL SELECT anon_9.kind, anon_9.row_id
FROM (SELECT 6 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.payment_key = $10::VARCHAR ORDER BY ticket_request.id DESC
 LIMIT $2::INTEGER) AS anon_9 UNION ALL SELECT anon_10.kind, anon_10.row_id
FROM (SELECT 6 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.payment_key = $11::VARCHAR ORDER BY ticket_request.id DESC
 LIMIT $2::INTEGER) AS anon_10 UNION ALL SELECT anon_11.kind, anon_11.row_id
FROM (SELECT 7 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.customer_key = $12::VARCHAR ORDER BY ticket_request.id DESC
 LIMIT $2::INTEGER) AS anon_11 UNION ALL SELECT anon_12.kind, anon_12.row_id
FROM (SELECT 7 AS kind, ticket_request.id AS row_id
FROM ticket_request
WHERE ticket_request.customer_key = $13::VARCHAR ORDER BY ticket_request.id DESC
 LIMIT $2::INTEGER) AS anon_12 UNION ALL SELECT anon_13.kind, anon_13.row_id
FROM (SELECT 11 AS kind, issued_ticket.id AS row_id
FROM issued_ticket
WHERE issued_ticket.number_key = $14::VARCHAR ORDER BY issued_ticket.id DESC
 LIMIT $2::INTEGER) AS anon_13 UNION ALL SELECT anon_14.kind, anon_14.row_id
FROM (SELECT 11 AS kind, issued_ticket.id AS row_id
FROM issued_ticket
WHERE issued_ticket.number_key = $15::VARCHAR ORDER BY issued_ticket.id DESC
 LIMIT $2::INTEGER) AS anon_14 UNION ALL SELECT anon_15.kind, anon_15.row_id
FROM (SELECT 12 AS kind, issued_ticket.id AS row_id
FROM issued_ticket
WHERE issued_ticket.ticket_no = $16::VARCHAR ORDER BY issued_ticket.id DESC
 LIMIT $2::INTEGER) AS anon_15 UNION ALL SELECT anon_16.kind, anon_16.row_id
FROM (SELECT 12 AS kind, issued_ticket.id AS row_id
FROM issued_ticket
WHERE issued_ticket.ticket_no = $17::VARCHAR ORDER BY issued_ticket.id DESC
 LIMIT $2::INTEGER) AS anon_16 UNION ALL SELECT anon_17.kind, anon_17.row_id
FROM (SELECT 13 AS kind, customer.id AS row_id
FROM customer
WHERE customer.customer_key = $18::VARCHAR ORDER BY customer.id DESC
 LIMIT $2::INTEGER) AS anon_17 UNION ALL SELECT anon_18.kind, anon_18.row_id
FROM (SELECT 13 AS kind, customer.id AS row_id
FROM customer
WHERE customer.customer_key = $19::VARCHAR ORDER BY customer.id DESC
 LIMIT $2::INTEGER) AS anon_18;

SELECT issued_ticket.id, issued_ticket.request_id, issued_ticket.line_id, issued_ticket.item_id, issued_ticket.client_id, issued_ticket.ticket_no, issued_ticket.external_ticket_no, issued_ticket.number_key, issued_ticket.kind, issued_ticket.quantity, issued_ticket.price_minor, issued_ticket.currency, issued_ticket.issued_at, issued_ticket.valid_from, issued_ticket.valid_until, issued_ticket.valid_from_date, issued_ticket.valid_until_date, issued_ticket.blocked_at, issued_ticket.blocked_reason, issued_ticket.revoked_at, issued_ticket.printed_at, issued_ticket.print_count
FROM issued_ticket
WHERE issued_ticket.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT issued_ticket.id, issued_ticket.request_id, issued_ticket.line_id, issued_ticket.item_id, issued_ticket.client_id, issued_ticket.ticket_no, issued_ticket.external_ticket_no, issued_ticket.number_key, issued_ticket.kind, issued_ticket.quantity, issued_ticket.price_minor, issued_ticket.currency, issued_ticket.issued_at, issued_ticket.valid_from, issued_ticket.valid_until, issued_ticket.valid_from_date, issued_ticket.valid_until_date, issued_ticket.blocked_at, issued_ticket.blocked_reason, issued_ticket.revoked_at, issued_ticket.printed_at, issued_ticket.print_count
FROM issued_ticket
WHERE issued_ticket.request_id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[])) ORDER BY issued_ticket.id;

SELECT request_entry.id, request_entry.request_id, request_entry.line_id, request_entry.content_line_id, request_entry.admission_id, request_entry.inclusion, request_entry.is_primary, request_entry.quantity, request_entry.slot_id, request_line.line_no, ticket_request.client_id, ticket_request.token, ticket_request.authorization_code, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status
FROM request_entry LEFT OUTER JOIN request_line ON request_entry.line_id = request_line.id LEFT OUTER JOIN ticket_request ON request_entry.request_id = ticket_request.id
WHERE request_entry.request_id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[])) AND request_entry.replaced_at IS NULL ORDER BY request_entry.id;

SELECT request_event.id, request_event.tx, request_event.at, request_event.recorded_at, request_event.kind, request_event.actor, request_event.request_id, request_event.ticket_id, request_event.access_entry_id, request_event.admission_id, request_event.slot_id, request_event.quantity, request_event.scanned, request_event.gate, request_event.refusal_code, request_event.customer_id, request_event.facts, (SELECT history.epoch
FROM history) AS anon_1
FROM request_event
WHERE request_event.request_id = ANY ($1::BIGINT[]) AND request_event.kind IN ($2::VARCHAR, $3::VARCHAR, $4::VARCHAR) ORDER BY request_event.tx, request_event.id;

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

SELECT time_slot.id, time_slot.line_id, time_slot.date, time_slot.admission_id, time_slot.starts_at, time_slot.ends_at, time_slot.arrival_from, time_slot.arrival_until, time_slot.sales_from, time_slot.sales_until, time_slot.state, time_slot.closed_reason, time_slot.sold_places, schedule.code, admission.time_zone, CASE WHEN (admission.capacity_limits_by = $1::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $2::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END AS control_in_force, CASE WHEN (CASE WHEN (admission.capacity_limits_by = $3::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $4::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END != $5::VARCHAR) THEN CASE WHEN (admission.capacity_limits_by = $6::VARCHAR) THEN admission.max_capacity WHEN (admission.capacity_limits_by = $7::VARCHAR) THEN schedule.max_capacity ELSE coalesce(time_slot.max_capacity, schedule_line.max_capacity) END END AS capacity, admission.kind
FROM time_slot JOIN admission ON time_slot.admission_id = admission.id JOIN schedule_line ON time_slot.line_id = schedule_line.id JOIN schedule ON schedule_line.schedule_id = schedule.id
WHERE time_slot.id = ANY (CAST((SELECT $8::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT time_slot.id, time_slot.line_id, time_slot.date, time_slot.admission_id, time_slot.starts_at, time_slot.ends_at, time_slot.arrival_from, time_slot.arrival_until, time_slot.sales_from, time_slot.sales_until, time_slot.state, time_slot.closed_reason, time_slot.sold_places, schedule.code, admission.time_zone, CASE WHEN (admission.capacity_limits_by = $1::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $2::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END AS control_in_force, CASE WHEN (CASE WHEN (admission.capacity_limits_by = $3::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $4::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END != $5::VARCHAR) THEN CASE WHEN (admission.capacity_limits_by = $6::VARCHAR) THEN admission.max_capacity WHEN (admission.capacity_limits_by = $7::VARCHAR) THEN schedule.max_capacity ELSE coalesce(time_slot.max_capacity, schedule_line.max_capacity) END END AS capacity, admission.kind
FROM time_slot JOIN admission ON time_slot.admission_id = admission.id JOIN schedule_line ON time_slot.line_id = schedule_line.id JOIN schedule ON schedule_line.schedule_id = schedule.id
WHERE time_slot.id = ANY (CAST((SELECT $8::BIGINT[] AS anon_1) AS BIGINT[]));


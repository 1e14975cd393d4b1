SELECT admission.id, admission.code
FROM admission
WHERE admission.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT admission.id, admission.code, admission.code_key, admission.description, admission.kind, admission.time_zone, admission.capacity_limits_by, admission.capacity_control, admission.max_capacity, admission.prebook_required, admission.default_schedule, admission.calendar_id, admission.generated_on
FROM admission
WHERE admission.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT admission.id, admission.code, admission.code_key, admission.description, admission.kind, admission.time_zone, admission.capacity_limits_by, admission.capacity_control, admission.max_capacity, admission.prebook_required, admission.default_schedule, admission.calendar_id, admission.generated_on
FROM admission
WHERE admission.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT anon_1.id, anon_1.client_id, anon_1.client, anon_1.token, anon_1.token_key, anon_1.authorization_code, anon_1.fingerprint, anon_1.fingerprint_version, anon_1.channel, anon_1.status, anon_1.status_changed_at, anon_1.created_at, anon_1.expires_at, anon_1.payment_option, anon_1.payment_reference, anon_1.currency, anon_1.total_minor, anon_1.customer_no, anon_1.customer_key, anon_1.email, anon_1.phone, anon_1.ticket_holder_name, anon_1.language, anon_1.external_order_no, anon_1.order_key, anon_1.receipt_no, anon_1.receipt_key, anon_1.pos_unit_no, anon_1.pos_unit_key, anon_1.salesperson_code, anon_1.is_stamped
FROM (SELECT ticket_request.id AS id, ticket_request.client_id AS client_id, client.name AS client, ticket_request.token AS token, ticket_request.token_key AS token_key, ticket_request.authorization_code AS authorization_code, ticket_request.fingerprint AS fingerprint, ticket_request.fingerprint_version AS fingerprint_version, ticket_request.channel AS channel, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN ticket_request.expires_at ELSE ticket_request.status_changed_at END AS status_changed_at, ticket_request.created_at AS created_at, ticket_request.expires_at AS expires_at, ticket_request.payment_option AS payment_option, ticket_request.payment_reference AS payment_reference, ticket_request.currency AS currency, ticket_request.total_minor AS total_minor, ticket_request.customer_no AS customer_no, ticket_request.customer_key AS customer_key, ticket_request.email AS email, ticket_request.phone AS phone, ticket_request.ticket_holder_name AS ticket_holder_name, ticket_request.language AS language, ticket_request.external_order_no AS external_order_no, ticket_request.order_key AS order_key, ticket_request.receipt_no AS receipt_no, ticket_request.receipt_key AS receipt_key, ticket_request.pos_unit_no AS pos_unit_no, ticket_request.pos_unit_key AS pos_unit_key, ticket_request.salesperson_code AS salesperson_code, NOT (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) AS is_stamped
FROM ticket_request LEFT OUTER JOIN client ON ticket_request.client_id = client.id
WHERE NOT (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) AND ticket_request.status IN ($7::VARCHAR, $8::VARCHAR) AND CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $3::VARCHAR ELSE ticket_request.status END IN ($9::VARCHAR) AND ticket_request.order_key = $4::VARCHAR ORDER BY ticket_request.status_changed_at DESC, ticket_request.id DESC
 LIMIT 6) AS anon_1 UNION ALL SELECT anon_2.id, anon_2.client_id, anon_2.client, anon_2.token, anon_2.token_key, anon_2.authorization_code, anon_2.fingerprint, anon_2.fingerprint_version, anon_2.channel, anon_2.status, anon_2.status_changed_at, anon_2.created_at, anon_2.expires_at, anon_2.payment_option, anon_2.payment_reference, anon_2.currency, anon_2.total_minor, anon_2.customer_no, anon_2.customer_key, anon_2.email, anon_2.phone, anon_2.ticket_holder_name, anon_2.language, anon_2.external_order_no, anon_2.order_key, anon_2.receipt_no, anon_2.receipt_key, anon_2.pos_unit_no, anon_2.pos_unit_key, anon_2.salesperson_code, anon_2.is_stamped
FROM (SELECT ticket_request.id AS id, ticket_request.client_id AS client_id, client.name AS client, ticket_request.token AS token, ticket_request.token_key AS token_key, ticket_request.authorization_code AS authorization_code, ticket_request.fingerprint AS fingerprint, ticket_request.fingerprint_version AS fingerprint_version, ticket_request.channel AS channel, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN ticket_request.expires_at ELSE ticket_request.status_changed_at END AS status_changed_at, ticket_request.created_at AS created_at, ticket_request.expires_at AS expires_at, ticket_request.payment_option AS payment_option, ticket_request.payment_reference AS payment_reference, ticket_request.currency AS currency, ticket_request.total_minor AS total_minor, ticket_request.customer_no AS customer_no, ticket_request.customer_key AS customer_key, ticket_request.email AS email, ticket_request.phone AS phone, ticket_request.ticket_holder_name AS ticket_holder_name, ticket_request.language AS language, ticket_request.external_order_no AS external_order_no, ticket_request.order_key AS order_key, ticket_request.receipt_no AS receipt_no, ticket_request.receipt_key AS receipt_key, ticket_request.pos_unit_no AS pos_unit_no, ticket_request.pos_unit_key AS pos_unit_key, ticket_request.salesperson_code AS salesperson_code, NOT (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) AS is_stamped
FROM ticket_request LEFT OUTER JOIN client ON ticket_request.client_id = client.id
WHERE ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE AND ticket_request.status IN ($10::VARCHAR, $11::VARCHAR) AND CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $5::VARCHAR ELSE ticket_request.status END IN ($12::VARCHAR) AND ticket_request.order_key = $6::VARCHAR ORDER BY ticket_request.expires_at DESC, ticket_request.id DESC
 LIMIT 6) AS anon_2;

SELECT content_line.id, content_line.item_id, content_line.admission_id, content_line.is_default, content_line.inclusion, content_line.quantity, content_line.activation, content_line.entry_validation, content_line.max_entries, content_line.duration_days, content_line.reschedule_policy, content_line.reschedule_cut_off_seconds, content_line.revoke_policy, content_line.refund_basis_points, content_line.rescan_within_seconds, content_line.capacity_basis_points, content_line.pos_may_exceed_capacity, content_line.calendar_id, content_line.retired_at
FROM content_line
WHERE content_line.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT issued_ticket.id, issued_ticket.request_id, issued_ticket.line_id, issued_ticket.item_id, issued_ticket.client_id, issued_ticket.ticket_no, issued_ticket.external_ticket_no, issued_ticket.number_key, issued_ticket.kind, issued_ticket.quantity, issued_ticket.price_minor, issued_ticket.currency, issued_ticket.issued_at, issued_ticket.valid_from, issued_ticket.valid_until, issued_ticket.valid_from_date, issued_ticket.valid_until_date, issued_ticket.blocked_at, issued_ticket.blocked_reason, issued_ticket.revoked_at, issued_ticket.printed_at, issued_ticket.print_count
FROM issued_ticket
WHERE issued_ticket.request_id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[])) ORDER BY issued_ticket.id;

SELECT order_key.client_id, order_key.key, order_key.request_id
FROM unnest(CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]), CAST((SELECT $2::TEXT[] AS anon_2) AS TEXT[])) WITH ORDINALITY AS asked(c0, c1, ordinal) JOIN order_key ON order_key.client_id = asked.c0 AND order_key.key = asked.c1;

SELECT page.id, page.tx, page.at, page.recorded_at, page.kind, page.actor, page.request_id, page.ticket_id, page.access_entry_id, page.admission_id, page.slot_id, page.quantity, page.scanned, page.gate, page.refusal_code, page.customer_id, page.facts, page.anon_1, asked.ordinal AS ordinal
FROM unnest(CAST((SELECT $1::BIGINT[] AS anon_2) AS BIGINT[])) WITH ORDINALITY AS asked(c0, ordinal) JOIN LATERAL (SELECT request_event.id AS id, request_event.tx AS tx, request_event.at AS at, request_event.recorded_at AS recorded_at, request_event.kind AS kind, request_event.actor AS actor, request_event.request_id AS request_id, request_event.ticket_id AS ticket_id, request_event.access_entry_id AS access_entry_id, request_event.admission_id AS admission_id, request_event.slot_id AS slot_id, request_event.quantity AS quantity, request_event.scanned AS scanned, request_event.gate AS gate, request_event.refusal_code AS refusal_code, request_event.customer_id AS customer_id, request_event.facts AS facts, (SELECT history.epoch
FROM history) AS anon_1
FROM request_event
WHERE request_event.request_id = asked.c0 ORDER BY request_event.tx, request_event.id
 LIMIT $2::INTEGER) AS page ON true;

SELECT request_entry.id, request_entry.request_id, request_entry.line_id, request_entry.content_line_id, request_entry.admission_id, request_entry.inclusion, request_entry.is_primary, request_entry.quantity, request_entry.slot_id, request_line.line_no, ticket_request.client_id, ticket_request.token, ticket_request.authorization_code, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status
FROM request_entry LEFT OUTER JOIN request_line ON request_entry.line_id = request_line.id LEFT OUTER JOIN ticket_request ON request_entry.request_id = ticket_request.id
WHERE request_entry.request_id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[])) AND request_entry.replaced_at IS NULL ORDER BY request_entry.id;

SELECT request_entry.request_id, request_entry.admission_id, request_entry.slot_id
FROM request_entry LEFT OUTER JOIN request_line ON request_entry.line_id = request_line.id LEFT OUTER JOIN ticket_request ON request_entry.request_id = ticket_request.id
WHERE request_entry.request_id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[])) AND request_entry.replaced_at IS NULL ORDER BY request_entry.id;

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

SELECT request_line.request_id, request_line.dictated_nos, request_line.replaced_at
FROM request_line
WHERE request_line.request_id = ANY ($1::BIGINT[]) ORDER BY request_line.id;

SELECT reservation.slot_id, sum(reservation.places) AS sum_1
FROM reservation
WHERE reservation.until > $1::TIMESTAMP WITH TIME ZONE AND reservation.kind = $2::VARCHAR AND reservation.slot_id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[])) GROUP BY reservation.slot_id;

SELECT reservation.slot_id, sum(reservation.places) AS sum_1
FROM reservation
WHERE reservation.until > $1::TIMESTAMP WITH TIME ZONE AND reservation.kind = $2::VARCHAR AND reservation.slot_id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[])) GROUP BY reservation.slot_id;

SELECT sales_order.id, sales_order.client_id, sales_order.first_client_id, sales_order.channel, sales_order.external_order_no, sales_order.order_key, sales_order.receipt_no, sales_order.receipt_key, sales_order.pos_unit_no, sales_order.pos_unit_key, sales_order.customer_key, sales_order.placed_at, sales_order.total_minor, sales_order.currency, sales_order.document_status
FROM unnest(CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]), CAST((SELECT $2::TEXT[] AS anon_2) AS TEXT[])) WITH ORDINALITY AS asked(c0, c1, ordinal) JOIN sales_order ON sales_order.client_id = asked.c0 AND sales_order.order_key = asked.c1;

SELECT ticket_item.id, ticket_item.item_no, ticket_item.item_key, ticket_item.variant_code, ticket_item.variant_key, ticket_item.description, ticket_item.ticket_type_id, ticket_item.unit_price_minor, ticket_item.currency, ticket_item.is_blocked
FROM ticket_item
WHERE ticket_item.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT ticket_request.id, ticket_request.client_id, client.name AS client, ticket_request.token, ticket_request.token_key, ticket_request.authorization_code, ticket_request.fingerprint, ticket_request.fingerprint_version, ticket_request.channel, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN ticket_request.expires_at ELSE ticket_request.status_changed_at END AS status_changed_at, ticket_request.created_at, ticket_request.expires_at, ticket_request.payment_option, ticket_request.payment_reference, ticket_request.currency, ticket_request.total_minor, ticket_request.customer_no, ticket_request.customer_key, ticket_request.email, ticket_request.phone, ticket_request.ticket_holder_name, ticket_request.language, ticket_request.external_order_no, ticket_request.order_key, ticket_request.receipt_no, ticket_request.receipt_key, ticket_request.pos_unit_no, ticket_request.pos_unit_key, ticket_request.salesperson_code, NOT (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) AS is_stamped
FROM ticket_request LEFT OUTER JOIN client ON ticket_request.client_id = client.id
WHERE ticket_request.id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT time_slot.id, time_slot.line_id, time_slot.date, time_slot.admission_id, time_slot.starts_at, time_slot.ends_at, time_slot.arrival_from, time_slot.arrival_until, time_slot.sales_from, time_slot.sales_until, time_slot.state, time_slot.closed_reason, time_slot.sold_places, schedule.code, admission.time_zone, CASE WHEN (admission.capacity_limits_by = $1::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $2::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END AS control_in_force, CASE WHEN (CASE WHEN (admission.capacity_limits_by = $3::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $4::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END != $5::VARCHAR) THEN CASE WHEN (admission.capacity_limits_by = $6::VARCHAR) THEN admission.max_capacity WHEN (admission.capacity_limits_by = $7::VARCHAR) THEN schedule.max_capacity ELSE coalesce(time_slot.max_capacity, schedule_line.max_capacity) END END AS capacity, admission.kind
FROM time_slot JOIN admission ON time_slot.admission_id = admission.id JOIN schedule_line ON time_slot.line_id = schedule_line.id JOIN schedule ON schedule_line.schedule_id = schedule.id
WHERE time_slot.id = ANY (CAST((SELECT $8::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT time_slot.id, time_slot.line_id, time_slot.date, time_slot.admission_id, time_slot.starts_at, time_slot.ends_at, time_slot.arrival_from, time_slot.arrival_until, time_slot.sales_from, time_slot.sales_until, time_slot.state, time_slot.closed_reason, time_slot.sold_places, schedule.code, admission.time_zone, CASE WHEN (admission.capacity_limits_by = $1::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $2::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END AS control_in_force, CASE WHEN (CASE WHEN (admission.capacity_limits_by = $3::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $4::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END != $5::VARCHAR) THEN CASE WHEN (admission.capacity_limits_by = $6::VARCHAR) THEN admission.max_capacity WHEN (admission.capacity_limits_by = $7::VARCHAR) THEN schedule.max_capacity ELSE coalesce(time_slot.max_capacity, schedule_line.max_capacity) END END AS capacity, admission.kind
FROM time_slot JOIN admission ON time_slot.admission_id = admission.id JOIN schedule_line ON time_slot.line_id = schedule_line.id JOIN schedule ON schedule_line.schedule_id = schedule.id
WHERE time_slot.id = ANY (CAST((SELECT $8::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT visit.slot_id, sum((access_entry.quantity * CASE WHEN (visit.admitted > issued_ticket.quantity) THEN issued_ticket.quantity ELSE visit.admitted END) / issued_ticket.quantity) AS sum_1, sum((access_entry.quantity * CASE WHEN (visit.inside > issued_ticket.quantity) THEN issued_ticket.quantity ELSE visit.inside END) / issued_ticket.quantity) AS sum_2
FROM visit JOIN access_entry ON visit.access_entry_id = access_entry.id JOIN issued_ticket ON access_entry.ticket_id = issued_ticket.id
WHERE visit.slot_id = ANY ($1::BIGINT[]) GROUP BY visit.slot_id;


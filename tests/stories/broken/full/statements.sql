SELECT access_entry.id, access_entry.ticket_id, access_entry.admission_id, access_entry.content_line_id, access_entry.entry_id, access_entry.slot_id, access_entry.quantity, access_entry.blocked_at, access_entry.blocked_reason, access_entry.first_admitted_at, access_entry.admitted_count, access_entry.inside_count
FROM access_entry
WHERE access_entry.id IN (SELECT visit.access_entry_id
FROM visit
WHERE visit.slot_id = ANY ($1::BIGINT[]));

SELECT access_entry.id, access_entry.ticket_id, access_entry.admission_id, access_entry.content_line_id, access_entry.entry_id, access_entry.slot_id, access_entry.quantity, access_entry.blocked_at, access_entry.blocked_reason, access_entry.first_admitted_at, access_entry.admitted_count, access_entry.inside_count, content_line.id AS id_1, content_line.item_id, content_line.admission_id AS admission_id_1, content_line.is_default, content_line.inclusion, content_line.quantity AS quantity_1, content_line.activation, content_line.entry_validation, content_line.max_entries, content_line.duration_days, content_line.reschedule_policy, content_line.reschedule_cut_off_seconds, content_line.revoke_policy, content_line.refund_basis_points, content_line.rescan_within_seconds, content_line.capacity_basis_points, content_line.pos_may_exceed_capacity, content_line.calendar_id, content_line.retired_at, admission.id AS id_2, admission.code, admission.code_key, admission.description, admission.kind, admission.time_zone, admission.capacity_limits_by, admission.capacity_control, admission.max_capacity, admission.prebook_required, admission.default_schedule, admission.calendar_id AS calendar_id_1, admission.generated_on, EXISTS (SELECT dependency.kind
FROM dependency
WHERE dependency.content_line_id = content_line.id) AS anon_1
FROM access_entry JOIN content_line ON access_entry.content_line_id = content_line.id JOIN admission ON access_entry.admission_id = admission.id
WHERE access_entry.ticket_id = ANY (CAST((SELECT $1::BIGINT[] AS anon_2) AS BIGINT[])) ORDER BY access_entry.content_line_id, access_entry.id;

SELECT access_entry.id, access_entry.ticket_id, access_entry.admission_id, access_entry.content_line_id, access_entry.entry_id, access_entry.slot_id, access_entry.quantity, access_entry.blocked_at, access_entry.blocked_reason, access_entry.first_admitted_at, access_entry.admitted_count, access_entry.inside_count, content_line.id AS id_1, content_line.item_id, content_line.admission_id AS admission_id_1, content_line.is_default, content_line.inclusion, content_line.quantity AS quantity_1, content_line.activation, content_line.entry_validation, content_line.max_entries, content_line.duration_days, content_line.reschedule_policy, content_line.reschedule_cut_off_seconds, content_line.revoke_policy, content_line.refund_basis_points, content_line.rescan_within_seconds, content_line.capacity_basis_points, content_line.pos_may_exceed_capacity, content_line.calendar_id, content_line.retired_at, admission.id AS id_2, admission.code, admission.code_key, admission.description, admission.kind, admission.time_zone, admission.capacity_limits_by, admission.capacity_control, admission.max_capacity, admission.prebook_required, admission.default_schedule, admission.calendar_id AS calendar_id_1, admission.generated_on, EXISTS (SELECT dependency.kind
FROM dependency
WHERE dependency.content_line_id = content_line.id) AS anon_1, ticket_request.id AS id_3, ticket_request.client_id, client.name AS client, ticket_request.token, ticket_request.token_key, ticket_request.authorization_code, ticket_request.fingerprint, ticket_request.fingerprint_version, ticket_request.channel, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN ticket_request.expires_at ELSE ticket_request.status_changed_at END AS status_changed_at, ticket_request.created_at, ticket_request.expires_at, ticket_request.payment_option, ticket_request.payment_reference, ticket_request.currency, ticket_request.total_minor, ticket_request.customer_no, ticket_request.customer_key, ticket_request.email, ticket_request.phone, ticket_request.ticket_holder_name, ticket_request.language, ticket_request.external_order_no, ticket_request.order_key, ticket_request.receipt_no, ticket_request.receipt_key, ticket_request.pos_unit_no, ticket_request.pos_unit_key, ticket_request.salesperson_code, NOT (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) AS is_stamped
FROM access_entry JOIN content_line ON access_entry.content_line_id = content_line.id JOIN admission ON access_entry.admission_id = admission.id JOIN issued_ticket ON access_entry.ticket_id = issued_ticket.id JOIN (ticket_request LEFT OUTER JOIN client ON ticket_request.client_id = client.id) ON issued_ticket.request_id = ticket_request.id
WHERE access_entry.ticket_id = ANY (CAST((SELECT $3::BIGINT[] AS anon_2) AS BIGINT[])) ORDER BY access_entry.content_line_id, access_entry.id;

SELECT access_entry.ticket_id, access_entry.admission_id, access_entry.slot_id, access_entry.first_admitted_at, access_entry.admitted_count
FROM access_entry
WHERE access_entry.ticket_id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[])) ORDER BY access_entry.content_line_id, access_entry.id;

SELECT admission.id, admission.code, admission.code_key, admission.description, admission.kind, admission.time_zone, admission.capacity_limits_by, admission.capacity_control, admission.max_capacity, admission.prebook_required, admission.default_schedule, admission.calendar_id, admission.generated_on
FROM admission
WHERE admission.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT admission.id, admission.code, admission.description
FROM admission
WHERE admission.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT issued_ticket.id, issued_ticket.request_id, issued_ticket.external_ticket_no, issued_ticket.valid_from, issued_ticket.valid_until, issued_ticket.blocked_reason
FROM issued_ticket
WHERE issued_ticket.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT issued_ticket.id, issued_ticket.request_id, issued_ticket.line_id, issued_ticket.item_id, issued_ticket.client_id, issued_ticket.ticket_no, issued_ticket.external_ticket_no, issued_ticket.number_key, issued_ticket.kind, issued_ticket.quantity, issued_ticket.price_minor, issued_ticket.currency, issued_ticket.issued_at, issued_ticket.valid_from, issued_ticket.valid_until, issued_ticket.valid_from_date, issued_ticket.valid_until_date, issued_ticket.blocked_at, issued_ticket.blocked_reason, issued_ticket.revoked_at, issued_ticket.printed_at, issued_ticket.print_count
FROM issued_ticket
WHERE issued_ticket.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT issued_ticket.id, issued_ticket.request_id, issued_ticket.line_id, issued_ticket.item_id, issued_ticket.client_id, issued_ticket.ticket_no, issued_ticket.external_ticket_no, issued_ticket.number_key, issued_ticket.kind, issued_ticket.quantity, issued_ticket.price_minor, issued_ticket.currency, issued_ticket.issued_at, issued_ticket.valid_from, issued_ticket.valid_until, issued_ticket.valid_from_date, issued_ticket.valid_until_date, issued_ticket.blocked_at, issued_ticket.blocked_reason, issued_ticket.revoked_at, issued_ticket.printed_at, issued_ticket.print_count
FROM issued_ticket
WHERE issued_ticket.number_key = ANY (CAST((SELECT $1::TEXT[] AS anon_1) AS TEXT[]));

SELECT issued_ticket.id, issued_ticket.request_id, issued_ticket.line_id, issued_ticket.item_id, issued_ticket.client_id, issued_ticket.ticket_no, issued_ticket.external_ticket_no, issued_ticket.number_key, issued_ticket.kind, issued_ticket.quantity, issued_ticket.price_minor, issued_ticket.currency, issued_ticket.issued_at, issued_ticket.valid_from, issued_ticket.valid_until, issued_ticket.valid_from_date, issued_ticket.valid_until_date, issued_ticket.blocked_at, issued_ticket.blocked_reason, issued_ticket.revoked_at, issued_ticket.printed_at, issued_ticket.print_count
FROM issued_ticket
WHERE issued_ticket.request_id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[])) ORDER BY issued_ticket.id;

SELECT request_entry.id, request_entry.request_id, request_entry.line_id, request_entry.content_line_id, request_entry.admission_id, request_entry.inclusion, request_entry.is_primary, request_entry.quantity, request_entry.slot_id, request_line.line_no, ticket_request.client_id, ticket_request.token, ticket_request.authorization_code, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status
FROM request_entry LEFT OUTER JOIN request_line ON request_entry.line_id = request_line.id LEFT OUTER JOIN ticket_request ON request_entry.request_id = ticket_request.id
WHERE request_entry.request_id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[])) AND request_entry.replaced_at IS NULL ORDER BY request_entry.id;

SELECT request_event.id, request_event.tx, request_event.at, request_event.recorded_at, request_event.kind, request_event.actor, request_event.request_id, request_event.ticket_id, request_event.access_entry_id, request_event.admission_id, request_event.slot_id, request_event.quantity, request_event.scanned, request_event.gate, request_event.refusal_code, request_event.customer_id, request_event.facts, (SELECT history.epoch
FROM history) AS anon_1
FROM request_event
WHERE request_event.access_entry_id = ANY ($1::BIGINT[]) AND request_event.kind IN ($2::VARCHAR, $3::VARCHAR) ORDER BY request_event.tx, request_event.id;

SELECT request_event.id, request_event.tx, request_event.at, request_event.recorded_at, request_event.kind, request_event.actor, request_event.request_id, request_event.ticket_id, request_event.access_entry_id, request_event.admission_id, request_event.slot_id, request_event.quantity, request_event.scanned, request_event.gate, request_event.refusal_code, request_event.customer_id, request_event.facts, (SELECT history.epoch
FROM history) AS anon_1
FROM request_event
WHERE request_event.request_id = ANY ($1::BIGINT[]) AND request_event.kind IN ($2::VARCHAR, $3::VARCHAR, $4::VARCHAR) ORDER BY request_event.tx, request_event.id;

SELECT request_event.id, request_event.tx, request_event.at, request_event.recorded_at, request_event.kind, request_event.actor, request_event.request_id, request_event.ticket_id, request_event.access_entry_id, request_event.admission_id, request_event.slot_id, request_event.quantity, request_event.scanned, request_event.gate, request_event.refusal_code, request_event.customer_id, request_event.facts, (SELECT history.epoch
FROM history) AS anon_1
FROM request_event
WHERE request_event.request_id = ANY ($1::BIGINT[]) AND request_event.kind IN ($2::VARCHAR, $3::VARCHAR, $4::VARCHAR, $5::VARCHAR, $6::VARCHAR, $7::VARCHAR) ORDER BY request_event.tx, request_event.id;

SELECT request_event.id, request_event.tx, request_event.at, request_event.recorded_at, request_event.kind, request_event.actor, request_event.request_id, request_event.ticket_id, request_event.access_entry_id, request_event.admission_id, request_event.slot_id, request_event.quantity, request_event.scanned, request_event.gate, request_event.refusal_code, request_event.customer_id, request_event.facts, (SELECT history.epoch
FROM history) AS anon_1
FROM request_event
WHERE request_event.ticket_id = ANY ($1::BIGINT[]) AND request_event.kind IN ($2::VARCHAR, $3::VARCHAR, $4::VARCHAR, $5::VARCHAR, $6::VARCHAR) ORDER BY request_event.tx, request_event.id;

SELECT request_line.request_id, request_line.dictated_nos, request_line.replaced_at
FROM request_line
WHERE request_line.request_id = ANY ($1::BIGINT[]) ORDER BY request_line.id;

SELECT reservation.slot_id, sum((SELECT coalesce(sum(access_entry.quantity - coalesce((access_entry.quantity * CASE WHEN (visit.admitted > issued_ticket.quantity) THEN issued_ticket.quantity ELSE visit.admitted END) / issued_ticket.quantity, $1::INTEGER)), $2::INTEGER) AS coalesce_1
FROM access_entry JOIN issued_ticket ON access_entry.ticket_id = issued_ticket.id LEFT OUTER JOIN visit ON visit.access_entry_id = access_entry.id AND visit.slot_id = access_entry.slot_id
WHERE access_entry.entry_id = reservation.entry_id AND access_entry.slot_id = reservation.slot_id AND issued_ticket.revoked_at IS NULL)) AS sum_1
FROM reservation
WHERE reservation.slot_id = ANY ($3::BIGINT[]) AND reservation.kind = $4::VARCHAR AND reservation.until IS NULL GROUP BY reservation.slot_id;

SELECT reservation.slot_id, sum(reservation.places) AS sum_1
FROM reservation
WHERE reservation.slot_id = ANY ($1::BIGINT[]) AND reservation.since <= $2::TIMESTAMP WITH TIME ZONE AND (reservation.until IS NULL OR reservation.until > $3::TIMESTAMP WITH TIME ZONE) GROUP BY reservation.slot_id;

SELECT reservation.slot_id, sum(reservation.places) AS sum_1
FROM reservation
WHERE reservation.until > $1::TIMESTAMP WITH TIME ZONE AND reservation.kind = $2::VARCHAR AND reservation.slot_id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[])) GROUP BY reservation.slot_id;

SELECT slot_change.slot_id, slot_change.at, slot_change.before, slot_change.after
FROM slot_change
WHERE slot_change.slot_id = ANY ($1::BIGINT[]) AND slot_change.at > $2::TIMESTAMP WITH TIME ZONE ORDER BY slot_change.at DESC, slot_change.id DESC;

SELECT slot_change.slot_id, slot_change.at, slot_change.before, slot_change.after
FROM slot_change
WHERE slot_change.slot_id = ANY ($1::BIGINT[]) AND slot_change.at > $2::TIMESTAMP WITH TIME ZONE ORDER BY slot_change.at DESC, slot_change.id DESC;

SELECT ticket_request.id, ticket_request.client_id, client.name AS client, ticket_request.token, ticket_request.token_key, ticket_request.authorization_code, ticket_request.fingerprint, ticket_request.fingerprint_version, ticket_request.channel, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN ticket_request.expires_at ELSE ticket_request.status_changed_at END AS status_changed_at, ticket_request.created_at, ticket_request.expires_at, ticket_request.payment_option, ticket_request.payment_reference, ticket_request.currency, ticket_request.total_minor, ticket_request.customer_no, ticket_request.customer_key, ticket_request.email, ticket_request.phone, ticket_request.ticket_holder_name, ticket_request.language, ticket_request.external_order_no, ticket_request.order_key, ticket_request.receipt_no, ticket_request.receipt_key, ticket_request.pos_unit_no, ticket_request.pos_unit_key, ticket_request.salesperson_code, NOT (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) AS is_stamped
FROM ticket_request LEFT OUTER JOIN client ON ticket_request.client_id = client.id
WHERE ticket_request.id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT ticket_request.id, ticket_request.client_id, client.name AS client, ticket_request.token, ticket_request.token_key, ticket_request.authorization_code, ticket_request.fingerprint, ticket_request.fingerprint_version, ticket_request.channel, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN ticket_request.expires_at ELSE ticket_request.status_changed_at END AS status_changed_at, ticket_request.created_at, ticket_request.expires_at, ticket_request.payment_option, ticket_request.payment_reference, ticket_request.currency, ticket_request.total_minor, ticket_request.customer_no, ticket_request.customer_key, ticket_request.email, ticket_request.phone, ticket_request.ticket_holder_name, ticket_request.language, ticket_request.external_order_no, ticket_request.order_key, ticket_request.receipt_no, ticket_request.receipt_key, ticket_request.pos_unit_no, ticket_request.pos_unit_key, ticket_request.salesperson_code, NOT (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) AS is_stamped
FROM ticket_request LEFT OUTER JOIN client ON ticket_request.client_id = client.id
WHERE ticket_request.id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT time_slot.id, time_slot.line_id, time_slot.date, time_slot.admission_id, time_slot.starts_at, time_slot.ends_at, time_slot.arrival_from, time_slot.arrival_until, time_slot.sales_from, time_slot.sales_until, time_slot.state, time_slot.closed_reason, time_slot.sold_places, schedule.code, admission.time_zone, CASE WHEN (admission.capacity_limits_by = $1::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $2::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END AS control_in_force, CASE WHEN (CASE WHEN (admission.capacity_limits_by = $3::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $4::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END != $5::VARCHAR) THEN CASE WHEN (admission.capacity_limits_by = $6::VARCHAR) THEN admission.max_capacity WHEN (admission.capacity_limits_by = $7::VARCHAR) THEN schedule.max_capacity ELSE coalesce(time_slot.max_capacity, schedule_line.max_capacity) END END AS capacity, admission.kind
FROM time_slot JOIN admission ON time_slot.admission_id = admission.id JOIN schedule_line ON time_slot.line_id = schedule_line.id JOIN schedule ON schedule_line.schedule_id = schedule.id
WHERE time_slot.admission_id = ANY (CAST((SELECT $8::BIGINT[] AS anon_1) AS BIGINT[])) AND (time_slot.state != $9::VARCHAR AND time_slot.arrival_from <= $10::TIMESTAMP WITH TIME ZONE AND time_slot.arrival_until >= $11::TIMESTAMP WITH TIME ZONE AND time_slot.starts_at >= $12::TIMESTAMP WITH TIME ZONE AND time_slot.starts_at <= $13::TIMESTAMP WITH TIME ZONE OR (EXISTS (SELECT slot_change.slot_id
FROM slot_change
WHERE slot_change.slot_id = time_slot.id AND slot_change.at > $14::TIMESTAMP WITH TIME ZONE))) ORDER BY time_slot.starts_at, time_slot.id;

SELECT time_slot.id, time_slot.line_id, time_slot.date, time_slot.admission_id, time_slot.starts_at, time_slot.ends_at, time_slot.arrival_from, time_slot.arrival_until, time_slot.sales_from, time_slot.sales_until, time_slot.state, time_slot.closed_reason, time_slot.sold_places, schedule.code, admission.time_zone, CASE WHEN (admission.capacity_limits_by = $1::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $2::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END AS control_in_force, CASE WHEN (CASE WHEN (admission.capacity_limits_by = $3::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $4::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END != $5::VARCHAR) THEN CASE WHEN (admission.capacity_limits_by = $6::VARCHAR) THEN admission.max_capacity WHEN (admission.capacity_limits_by = $7::VARCHAR) THEN schedule.max_capacity ELSE coalesce(time_slot.max_capacity, schedule_line.max_capacity) END END AS capacity, admission.kind
FROM time_slot JOIN admission ON time_slot.admission_id = admission.id JOIN schedule_line ON time_slot.line_id = schedule_line.id JOIN schedule ON schedule_line.schedule_id = schedule.id
WHERE time_slot.admission_id = ANY (CAST((SELECT $8::BIGINT[] AS anon_1) AS BIGINT[])) AND time_slot.state != $9::VARCHAR AND time_slot.arrival_from <= $10::TIMESTAMP WITH TIME ZONE AND time_slot.arrival_until >= $11::TIMESTAMP WITH TIME ZONE AND time_slot.starts_at >= $12::TIMESTAMP WITH TIME ZONE AND time_slot.starts_at <= $13::TIMESTAMP WITH TIME ZONE ORDER BY time_slot.starts_at, time_slot.id;

SELECT visit.slot_id, sum((access_entry.quantity * CASE WHEN (visit.admitted > issued_ticket.quantity) THEN issued_ticket.quantity ELSE visit.admitted END) / issued_ticket.quantity) AS sum_1, sum((access_entry.quantity * CASE WHEN (visit.inside > issued_ticket.quantity) THEN issued_ticket.quantity ELSE visit.inside END) / issued_ticket.quantity) AS sum_2
FROM visit JOIN access_entry ON visit.access_entry_id = access_entry.id JOIN issued_ticket ON access_entry.ticket_id = issued_ticket.id
WHERE visit.slot_id = ANY ($1::BIGINT[]) GROUP BY visit.slot_id;


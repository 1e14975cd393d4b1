SELECT (SELECT count(*) AS count_1
FROM ticket_request
WHERE ticket_request.status = $1::VARCHAR AND ticket_request.expires_at > $2::TIMESTAMP WITH TIME ZONE AND ticket_request.created_at >= $3::TIMESTAMP WITH TIME ZONE AND ticket_request.created_at < $4::TIMESTAMP WITH TIME ZONE) AS anon_1, (SELECT count(DISTINCT request_event.request_id) AS count_2
FROM request_event
WHERE request_event.kind = $5::VARCHAR AND request_event.at >= $6::TIMESTAMP WITH TIME ZONE AND request_event.at < $7::TIMESTAMP WITH TIME ZONE) AS anon_2, (SELECT count(*) AS count_3
FROM (SELECT request_event.request_id AS request_id
FROM request_event
WHERE request_event.kind = $8::VARCHAR AND request_event.at >= $9::TIMESTAMP WITH TIME ZONE AND request_event.at < $10::TIMESTAMP WITH TIME ZONE UNION SELECT ticket_request.id AS id
FROM ticket_request
WHERE ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $2::TIMESTAMP WITH TIME ZONE AND ticket_request.expires_at >= $11::TIMESTAMP WITH TIME ZONE AND ticket_request.expires_at < $12::TIMESTAMP WITH TIME ZONE) AS expired) AS anon_3, (SELECT count(DISTINCT request_event.request_id) AS count_4
FROM request_event
WHERE request_event.kind = $13::VARCHAR AND request_event.at >= $14::TIMESTAMP WITH TIME ZONE AND request_event.at < $15::TIMESTAMP WITH TIME ZONE) AS anon_4, (SELECT count(*) AS count_5
FROM issued_ticket
WHERE issued_ticket.issued_at >= $16::TIMESTAMP WITH TIME ZONE AND issued_ticket.issued_at < $17::TIMESTAMP WITH TIME ZONE) AS anon_5, (SELECT count(DISTINCT request_event.ticket_id) AS count_6
FROM request_event
WHERE request_event.kind = $18::VARCHAR AND request_event.at >= $19::TIMESTAMP WITH TIME ZONE AND request_event.at < $20::TIMESTAMP WITH TIME ZONE) AS anon_6, (SELECT count(*) AS count_7
FROM (SELECT DISTINCT request_event.client_id AS client_id, request_event.at AS at, request_event.scanned_key AS scanned_key
FROM request_event
WHERE request_event.kind = $21::VARCHAR AND request_event.at >= $22::TIMESTAMP WITH TIME ZONE AND request_event.at < $23::TIMESTAMP WITH TIME ZONE) AS scans) AS anon_7;

SELECT admission.id, admission.code, admission.code_key, admission.description, admission.kind, admission.time_zone, admission.capacity_limits_by, admission.capacity_control, admission.max_capacity, admission.prebook_required, admission.default_schedule, admission.calendar_id, admission.generated_on
FROM admission ORDER BY admission.id;

SELECT reservation.slot_id, sum(reservation.places) AS sum_1
FROM reservation
WHERE reservation.until > $1::TIMESTAMP WITH TIME ZONE AND reservation.kind = $2::VARCHAR AND reservation.slot_id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[])) GROUP BY reservation.slot_id;

SELECT time_slot.id, time_slot.line_id, time_slot.date, time_slot.admission_id, time_slot.starts_at, time_slot.ends_at, time_slot.arrival_from, time_slot.arrival_until, time_slot.sales_from, time_slot.sales_until, time_slot.state, time_slot.closed_reason, time_slot.sold_places, schedule.code, admission.time_zone, CASE WHEN (admission.capacity_limits_by = $1::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $2::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END AS control_in_force, CASE WHEN (CASE WHEN (admission.capacity_limits_by = $3::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $4::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END != $5::VARCHAR) THEN CASE WHEN (admission.capacity_limits_by = $6::VARCHAR) THEN admission.max_capacity WHEN (admission.capacity_limits_by = $7::VARCHAR) THEN schedule.max_capacity ELSE coalesce(time_slot.max_capacity, schedule_line.max_capacity) END END AS capacity, admission.kind
FROM time_slot JOIN admission ON time_slot.admission_id = admission.id JOIN schedule_line ON time_slot.line_id = schedule_line.id JOIN schedule ON schedule_line.schedule_id = schedule.id
WHERE time_slot.admission_id = ANY ($8::BIGINT[]) AND time_slot.date = $9::DATE AND time_slot.state = $10::VARCHAR;

SELECT visit.slot_id, sum((access_entry.quantity * CASE WHEN (visit.admitted > issued_ticket.quantity) THEN issued_ticket.quantity ELSE visit.admitted END) / issued_ticket.quantity) AS sum_1, sum((access_entry.quantity * CASE WHEN (visit.inside > issued_ticket.quantity) THEN issued_ticket.quantity ELSE visit.inside END) / issued_ticket.quantity) AS sum_2
FROM visit JOIN access_entry ON visit.access_entry_id = access_entry.id JOIN issued_ticket ON access_entry.ticket_id = issued_ticket.id
WHERE visit.slot_id = ANY ($1::BIGINT[]) GROUP BY visit.slot_id;


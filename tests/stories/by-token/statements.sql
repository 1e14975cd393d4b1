SELECT admission.id, admission.code
FROM admission
WHERE admission.id = ANY (CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT asked.ordinal AS ordinal, (SELECT count(*) AS count_1
FROM (SELECT i.id AS id
FROM issued_ticket AS i
WHERE i.request_id = asked.c0
 LIMIT $1::INTEGER) AS anon_2) AS anon_1
FROM unnest(CAST((SELECT $2::BIGINT[] AS anon_3) AS BIGINT[])) WITH ORDINALITY AS asked(c0, ordinal);

SELECT page.id, asked.ordinal AS ordinal
FROM unnest(CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[])) WITH ORDINALITY AS asked(c0, ordinal) JOIN LATERAL (SELECT issued_ticket.id AS id
FROM issued_ticket
WHERE issued_ticket.request_id = asked.c0 ORDER BY issued_ticket.id
 LIMIT $2::INTEGER) AS page ON true;

SELECT page.id, page.tx, page.at, page.recorded_at, page.kind, page.actor, page.request_id, page.ticket_id, page.access_entry_id, page.admission_id, page.slot_id, page.quantity, page.scanned, page.gate, page.refusal_code, page.customer_id, page.facts, page.anon_1, asked.ordinal AS ordinal
FROM unnest(CAST((SELECT $1::BIGINT[] AS anon_2) AS BIGINT[])) WITH ORDINALITY AS asked(c0, ordinal) JOIN LATERAL (SELECT request_event.id AS id, request_event.tx AS tx, request_event.at AS at, request_event.recorded_at AS recorded_at, request_event.kind AS kind, request_event.actor AS actor, request_event.request_id AS request_id, request_event.ticket_id AS ticket_id, request_event.access_entry_id AS access_entry_id, request_event.admission_id AS admission_id, request_event.slot_id AS slot_id, request_event.quantity AS quantity, request_event.scanned AS scanned, request_event.gate AS gate, request_event.refusal_code AS refusal_code, request_event.customer_id AS customer_id, request_event.facts AS facts, (SELECT history.epoch
FROM history) AS anon_1
FROM request_event
WHERE request_event.request_id = asked.c0 ORDER BY request_event.tx, request_event.id
 LIMIT $2::INTEGER) AS page ON true;

SELECT request_entry.request_id, request_entry.admission_id, request_entry.quantity, request_entry.slot_id, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status
FROM request_entry LEFT OUTER JOIN request_line ON request_entry.line_id = request_line.id LEFT OUTER JOIN ticket_request ON request_entry.request_id = ticket_request.id
WHERE request_entry.request_id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[])) AND request_entry.replaced_at IS NULL ORDER BY request_entry.id;

SELECT reservation.slot_id, sum(reservation.places) AS sum_1
FROM reservation
WHERE reservation.until > $1::TIMESTAMP WITH TIME ZONE AND reservation.kind = $2::VARCHAR AND reservation.slot_id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[])) GROUP BY reservation.slot_id;

SELECT ticket_request.id, ticket_request.token_key, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN ticket_request.expires_at ELSE ticket_request.status_changed_at END AS status_changed_at, ticket_request.expires_at, ticket_request.payment_option
FROM ticket_request LEFT OUTER JOIN client ON ticket_request.client_id = client.id
WHERE ticket_request.token_key = ANY (CAST((SELECT $3::TEXT[] AS anon_1) AS TEXT[]));

SELECT time_slot.id, time_slot.line_id, time_slot.date, time_slot.admission_id, time_slot.starts_at, time_slot.ends_at, time_slot.arrival_from, time_slot.arrival_until, time_slot.sales_from, time_slot.sales_until, time_slot.state, time_slot.closed_reason, time_slot.sold_places, schedule.code, admission.time_zone, CASE WHEN (admission.capacity_limits_by = $1::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $2::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END AS control_in_force, CASE WHEN (CASE WHEN (admission.capacity_limits_by = $3::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $4::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END != $5::VARCHAR) THEN CASE WHEN (admission.capacity_limits_by = $6::VARCHAR) THEN admission.max_capacity WHEN (admission.capacity_limits_by = $7::VARCHAR) THEN schedule.max_capacity ELSE coalesce(time_slot.max_capacity, schedule_line.max_capacity) END END AS capacity, admission.kind
FROM time_slot JOIN admission ON time_slot.admission_id = admission.id JOIN schedule_line ON time_slot.line_id = schedule_line.id JOIN schedule ON schedule_line.schedule_id = schedule.id
WHERE time_slot.id = ANY (CAST((SELECT $8::BIGINT[] AS anon_1) AS BIGINT[]));

SELECT visit.slot_id, sum((access_entry.quantity * CASE WHEN (visit.admitted > issued_ticket.quantity) THEN issued_ticket.quantity ELSE visit.admitted END) / issued_ticket.quantity) AS sum_1, sum((access_entry.quantity * CASE WHEN (visit.inside > issued_ticket.quantity) THEN issued_ticket.quantity ELSE visit.inside END) / issued_ticket.quantity) AS sum_2
FROM visit JOIN access_entry ON visit.access_entry_id = access_entry.id JOIN issued_ticket ON access_entry.ticket_id = issued_ticket.id
WHERE visit.slot_id = ANY ($1::BIGINT[]) GROUP BY visit.slot_id;


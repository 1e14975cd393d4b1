SELECT admission.id, admission.code, admission.code_key, admission.description, admission.kind, admission.time_zone, admission.capacity_limits_by, admission.capacity_control, admission.max_capacity, admission.prebook_required, admission.default_schedule, admission.calendar_id, admission.generated_on
FROM admission
WHERE admission.code_key = ANY ($1::TEXT[]);

SELECT page.id, page.line_id, page.date, page.admission_id, page.starts_at, page.ends_at, page.arrival_from, page.arrival_until, page.sales_from, page.sales_until, page.state, page.closed_reason, page.sold_places, page.code, page.time_zone, page.control_in_force, page.capacity, page.kind, asked.ordinal
FROM unnest($1::BIGINT[], $2::TIMESTAMP WITH TIME ZONE[]) WITH ORDINALITY AS asked(c0, c1, ordinal) JOIN LATERAL (SELECT time_slot.id AS id, time_slot.line_id AS line_id, time_slot.date AS date, time_slot.admission_id AS admission_id, time_slot.starts_at AS starts_at, time_slot.ends_at AS ends_at, time_slot.arrival_from AS arrival_from, time_slot.arrival_until AS arrival_until, time_slot.sales_from AS sales_from, time_slot.sales_until AS sales_until, time_slot.state AS state, time_slot.closed_reason AS closed_reason, time_slot.sold_places AS sold_places, schedule.code AS code, admission.time_zone AS time_zone, CASE WHEN (admission.capacity_limits_by = $3::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $4::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END AS control_in_force, CASE WHEN (CASE WHEN (admission.capacity_limits_by = $5::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $6::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END != $7::VARCHAR) THEN CASE WHEN (admission.capacity_limits_by = $8::VARCHAR) THEN admission.max_capacity WHEN (admission.capacity_limits_by = $9::VARCHAR) THEN schedule.max_capacity ELSE coalesce(time_slot.max_capacity, schedule_line.max_capacity) END END AS capacity, admission.kind AS kind
FROM time_slot JOIN admission ON time_slot.admission_id = admission.id JOIN schedule_line ON time_slot.line_id = schedule_line.id JOIN schedule ON schedule_line.schedule_id = schedule.id
WHERE time_slot.admission_id = asked.c0 AND time_slot.starts_at >= asked.c1 ORDER BY time_slot.starts_at, time_slot.id
 LIMIT $10::INTEGER) AS page ON true;

SELECT placed.id, placed.kind, placed.quantity, placed.since, placed.until, placed.request_id, placed.slot_id, placed.ordinal, placed.total
FROM (SELECT summed.id AS id, summed.kind AS kind, summed.quantity AS quantity, summed.since AS since, summed.until AS until, summed.request_id AS request_id, summed.slot_id AS slot_id, summed.ordinal AS ordinal, summed.total AS total, summed.is_ahead AS is_ahead, row_number() OVER (PARTITION BY summed.ordinal, summed.is_ahead ORDER BY summed.since, summed.id) AS place
FROM (SELECT line.id AS id, line.kind AS kind, line.quantity AS quantity, line.since AS since, line.until AS until, line.request_id AS request_id, line.slot_id AS slot_id, line.ordinal AS ordinal, sum(line.quantity) OVER (PARTITION BY line.ordinal) AS total, true AS is_ahead
FROM (SELECT every.id AS id, every.kind AS kind, every.quantity AS quantity, every.since AS since, every.until AS until, every.request_id AS request_id, every.slot_id AS slot_id, every.ordinal AS ordinal
FROM (SELECT reservation.id * $1::BIGINT AS id, reservation.kind AS kind, CAST(CASE WHEN (asked.c1 = $2::VARCHAR OR reservation.kind = $3::VARCHAR AND reservation.until > $4::TIMESTAMP WITH TIME ZONE) THEN reservation.places ELSE (SELECT coalesce(sum(access_entry.quantity - coalesce((access_entry.quantity * CASE WHEN (visit.admitted > issued_ticket.quantity) THEN issued_ticket.quantity ELSE visit.admitted END) / issued_ticket.quantity, $5::INTEGER)), $6::INTEGER) AS coalesce_1
FROM access_entry JOIN issued_ticket ON access_entry.ticket_id = issued_ticket.id LEFT OUTER JOIN visit ON visit.access_entry_id = access_entry.id AND visit.slot_id = access_entry.slot_id
WHERE access_entry.entry_id = reservation.entry_id AND access_entry.slot_id = reservation.slot_id AND issued_ticket.revoked_at IS NULL) END AS INTEGER) AS quantity, reservation.since AS since, reservation.until AS until, reservation.request_id AS request_id, reservation.slot_id AS slot_id, asked.ordinal AS ordinal
FROM unnest($7::BIGINT[], $8::TEXT[], $9::TEXT[]) WITH ORDINALITY AS asked(c0, c1, c2, ordinal) JOIN reservation ON reservation.slot_id = asked.c0
WHERE asked.c1 != $10::VARCHAR AND (reservation.kind = $3::VARCHAR AND reservation.until > $4::TIMESTAMP WITH TIME ZONE OR reservation.kind = $11::VARCHAR AND reservation.until IS NULL) UNION ALL SELECT visit.id * $12::BIGINT + $13::BIGINT AS anon_1, $14::VARCHAR AS anon_2, CAST(CASE WHEN (asked.c2 = $15::VARCHAR) THEN (access_entry.quantity * CASE WHEN (visit.inside > issued_ticket.quantity) THEN issued_ticket.quantity ELSE visit.inside END) / issued_ticket.quantity ELSE (access_entry.quantity * CASE WHEN (visit.admitted > issued_ticket.quantity) THEN issued_ticket.quantity ELSE visit.admitted END) / issued_ticket.quantity END AS INTEGER) AS anon_3, visit.first_at AS first_at, CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS anon_4, issued_ticket.request_id AS request_id, visit.slot_id AS slot_id, asked.ordinal AS ordinal
FROM unnest($7::BIGINT[], $8::TEXT[], $9::TEXT[]) WITH ORDINALITY AS asked(c0, c1, c2, ordinal) JOIN (visit JOIN access_entry ON visit.access_entry_id = access_entry.id JOIN issued_ticket ON access_entry.ticket_id = issued_ticket.id) ON visit.slot_id = asked.c0
WHERE asked.c2 != $16::VARCHAR) AS every
WHERE every.quantity > $17::INTEGER) AS line) AS summed) AS placed
WHERE placed.place <= CASE WHEN placed.is_ahead THEN $18::INTEGER ELSE $19::INTEGER END;

SELECT reservation.slot_id, sum(reservation.places) AS sum_1
FROM reservation
WHERE reservation.until > $1::TIMESTAMP WITH TIME ZONE AND reservation.kind = $2::VARCHAR AND reservation.slot_id = ANY ($3::BIGINT[]) GROUP BY reservation.slot_id;

SELECT ticket_request.id, ticket_request.token, CASE WHEN (ticket_request.status = 'REGISTERED' AND ticket_request.expires_at <= $1::TIMESTAMP WITH TIME ZONE) THEN $2::VARCHAR ELSE ticket_request.status END AS status
FROM ticket_request LEFT OUTER JOIN client ON ticket_request.client_id = client.id
WHERE ticket_request.id = ANY ($3::BIGINT[]);

SELECT visit.slot_id, sum((access_entry.quantity * CASE WHEN (visit.admitted > issued_ticket.quantity) THEN issued_ticket.quantity ELSE visit.admitted END) / issued_ticket.quantity) AS sum_1, sum((access_entry.quantity * CASE WHEN (visit.inside > issued_ticket.quantity) THEN issued_ticket.quantity ELSE visit.inside END) / issued_ticket.quantity) AS sum_2
FROM visit JOIN access_entry ON visit.access_entry_id = access_entry.id JOIN issued_ticket ON access_entry.ticket_id = issued_ticket.id
WHERE visit.slot_id = ANY ($1::BIGINT[]) GROUP BY visit.slot_id;


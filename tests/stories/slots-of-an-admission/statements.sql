SELECT admission.id, admission.code, admission.code_key, admission.description, admission.kind, admission.time_zone, admission.capacity_limits_by, admission.capacity_control, admission.max_capacity, admission.prebook_required, admission.default_schedule, admission.calendar_id, admission.generated_on
FROM admission
WHERE admission.code_key = ANY (CAST((SELECT $1::TEXT[] AS anon_1) AS TEXT[]));

SELECT page.id, page.item_no, page.item_key, page.variant_code, page.variant_key, page.description, page.ticket_type_id, page.unit_price_minor, page.currency, page.is_blocked, asked.ordinal AS ordinal
FROM unnest(CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[])) WITH ORDINALITY AS asked(c0, ordinal) JOIN LATERAL (SELECT ticket_item.id AS id, ticket_item.item_no AS item_no, ticket_item.item_key AS item_key, ticket_item.variant_code AS variant_code, ticket_item.variant_key AS variant_key, ticket_item.description AS description, ticket_item.ticket_type_id AS ticket_type_id, ticket_item.unit_price_minor AS unit_price_minor, ticket_item.currency AS currency, ticket_item.is_blocked AS is_blocked
FROM ticket_item
WHERE ticket_item.id IN (SELECT line.item_id
FROM content_line AS line
WHERE line.admission_id = asked.c0 AND line.retired_at IS NULL) ORDER BY ticket_item.id
 LIMIT $2::INTEGER) AS page ON true;

SELECT page.id, page.line_id, page.date, page.admission_id, page.starts_at, page.ends_at, page.arrival_from, page.arrival_until, page.sales_from, page.sales_until, page.state, page.closed_reason, page.sold_places, page.code, page.time_zone, page.control_in_force, page.capacity, page.kind, asked.ordinal AS ordinal
FROM unnest(CAST((SELECT $1::BIGINT[] AS anon_1) AS BIGINT[]), CAST((SELECT $2::TIMESTAMP WITH TIME ZONE[] AS anon_2) AS TIMESTAMP WITH TIME ZONE[])) WITH ORDINALITY AS asked(c0, c1, ordinal) JOIN LATERAL (SELECT time_slot.id AS id, time_slot.line_id AS line_id, time_slot.date AS date, time_slot.admission_id AS admission_id, time_slot.starts_at AS starts_at, time_slot.ends_at AS ends_at, time_slot.arrival_from AS arrival_from, time_slot.arrival_until AS arrival_until, time_slot.sales_from AS sales_from, time_slot.sales_until AS sales_until, time_slot.state AS state, time_slot.closed_reason AS closed_reason, time_slot.sold_places AS sold_places, schedule.code AS code, admission.time_zone AS time_zone, CASE WHEN (admission.capacity_limits_by = $3::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $4::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END AS control_in_force, CASE WHEN (CASE WHEN (admission.capacity_limits_by = $5::VARCHAR) THEN admission.capacity_control WHEN (admission.capacity_limits_by = $6::VARCHAR) THEN schedule.capacity_control ELSE coalesce(time_slot.capacity_control, schedule_line.capacity_control) END != $7::VARCHAR) THEN CASE WHEN (admission.capacity_limits_by = $8::VARCHAR) THEN admission.max_capacity WHEN (admission.capacity_limits_by = $9::VARCHAR) THEN schedule.max_capacity ELSE coalesce(time_slot.max_capacity, schedule_line.max_capacity) END END AS capacity, admission.kind AS kind
FROM time_slot JOIN admission ON time_slot.admission_id = admission.id JOIN schedule_line ON time_slot.line_id = schedule_line.id JOIN schedule ON schedule_line.schedule_id = schedule.id
WHERE time_slot.admission_id = asked.c0 AND time_slot.starts_at >= asked.c1 ORDER BY time_slot.starts_at, time_slot.id
 LIMIT $10::INTEGER) AS page ON true;

SELECT reservation.slot_id, sum(reservation.places) AS sum_1
FROM reservation
WHERE reservation.until > $1::TIMESTAMP WITH TIME ZONE AND reservation.kind = $2::VARCHAR AND reservation.slot_id = ANY (CAST((SELECT $3::BIGINT[] AS anon_1) AS BIGINT[])) GROUP BY reservation.slot_id;

SELECT visit.slot_id, sum((access_entry.quantity * CASE WHEN (visit.admitted > issued_ticket.quantity) THEN issued_ticket.quantity ELSE visit.admitted END) / issued_ticket.quantity) AS sum_1, sum((access_entry.quantity * CASE WHEN (visit.inside > issued_ticket.quantity) THEN issued_ticket.quantity ELSE visit.inside END) / issued_ticket.quantity) AS sum_2
FROM visit JOIN access_entry ON visit.access_entry_id = access_entry.id JOIN issued_ticket ON access_entry.ticket_id = issued_ticket.id
WHERE visit.slot_id = ANY ($1::BIGINT[]) GROUP BY visit.slot_id;


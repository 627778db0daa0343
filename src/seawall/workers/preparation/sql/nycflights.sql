-- name: extent
-- The day after the last flight's schedule, New York time: up to there every day is complete.
SELECT CAST(max(make_date(year, month, day)) AS DATE) + 1 AS as_of
FROM source_flights;

-- name: flights
-- Every flight that was scheduled to leave New York, newest first; a flight that never left is cancelled, one that did not arrive where
-- it was bound is diverted. The source has no number for a row: its order by schedule makes one.
SELECT
    CAST(row_number() OVER (ORDER BY f.time_hour, f.minute, f.carrier, f.flight, f.origin) + copy.number * 10000000 AS INTEGER) AS flight_id,
    make_timestamp(f.year, f.month, f.day, f.hour, f.minute, 0.0) AS scheduled_at,
    make_timestamp(f.year, f.month, f.day, f.hour, 0, 0.0) AS scheduled_hour,
    dayname(make_date(f.year, f.month, f.day)) AS weekday,
    CASE
        WHEN f.hour < 6 THEN 'Night' WHEN f.hour < 12 THEN 'Morning' WHEN f.hour < 18 THEN 'Afternoon' ELSE 'Evening'
    END AS part_of_day,
    CAST(f.hour AS INTEGER) AS hour,
    f.carrier,
    CAST(f.flight AS INTEGER) AS flight_number,
    f.tailnum AS tail_number,
    f.origin,
    f.dest AS destination,
    CASE WHEN f.dep_time IS NULL THEN 'Cancelled' WHEN f.air_time IS NULL THEN 'Diverted' ELSE 'Flown' END AS status,
    CAST(f.dep_delay AS INTEGER) AS departure_delay,
    CAST(f.arr_delay AS INTEGER) AS arrival_delay,
    CAST(f.air_time AS INTEGER) AS air_time,
    CAST(f.distance AS INTEGER) AS distance,
    CAST(p.seats AS INTEGER) AS seats
FROM source_flights AS f
CROSS JOIN range($scale) AS copy(number)
LEFT JOIN source_planes AS p USING (tailnum)
ORDER BY scheduled_at DESC, flight_id;

-- name: airlines
-- The carriers by code and name.
SELECT carrier, name
FROM source_airlines
ORDER BY carrier;

-- name: served
-- Airports by code; four that flights go to are not on the list and have no name. One name keeps a backslash from an older format.
CREATE TEMP TABLE served AS
SELECT f.code, replace(a.name, chr(92), '') AS name, a.tzone AS time_zone, CAST(a.alt AS INTEGER) AS altitude, f.is_origin
FROM (
    SELECT origin AS code, true AS is_origin FROM source_flights
    UNION
    SELECT dest AS code, false AS is_origin FROM source_flights
) AS f
LEFT JOIN source_airports AS a ON a.faa = f.code;

-- name: origins
-- The airports flights leave from: New York's three.
SELECT code, name, time_zone, altitude
FROM served
WHERE is_origin
ORDER BY code;

-- name: destinations
-- The airports flights go to.
SELECT code, name, time_zone, altitude
FROM served
WHERE NOT is_origin
ORDER BY code;

-- name: planes
-- The aircraft register for planes that flew; a fifth of the tail numbers are not on it. Three spellings of two makers are one each.
SELECT
    tailnum AS tail_number,
    CAST(year AS INTEGER) AS built_in,
    type,
    CASE
        WHEN manufacturer LIKE 'MCDONNELL DOUGLAS%' THEN 'MCDONNELL DOUGLAS'
        WHEN manufacturer LIKE 'AIRBUS%' THEN 'AIRBUS'
        ELSE manufacturer
    END AS manufacturer,
    model,
    CAST(engines AS INTEGER) AS engines,
    CAST(seats AS INTEGER) AS seats,
    engine
FROM source_planes
ORDER BY tail_number;

-- name: weather
-- Hourly observations at the three airports, in New York time; one wind of more than a thousand miles an hour is a slip and is left empty.
-- The hour that comes twice when summer time ends is kept once.
SELECT
    origin,
    timezone('America/New_York', time_hour) AS observed_at,
    max(temp) AS temperature,
    max(humid) AS humidity,
    max(CASE WHEN wind_speed < 200 THEN wind_speed END) AS wind_speed,
    max(wind_gust) AS wind_gust,
    max(precip) AS precipitation,
    max(pressure) AS pressure,
    min(visib) AS visibility
FROM source_weather
GROUP BY ALL
ORDER BY observed_at, origin;

-- name: extent
-- The day after the last sale, in store time: up to there every day is complete.
SELECT
    CAST(max(sold_at) AS DATE) + 1 AS as_of
FROM sales;

-- name: sales
-- Every receipt line in the stores' own time: the package keeps UTC, and its week numbers turn over at midnight in New York.
CREATE TEMP VIEW sales AS
SELECT t.*, timezone('America/New_York', timezone('UTC', t.transaction_timestamp)) AS sold_at
FROM source_transactions AS t;

-- name: promoted
-- What was promoted where and when, once for each product, store and week (12,785 are listed twice).
CREATE TEMP TABLE promoted AS
SELECT product_id, store_id, week, bool_or(display_location <> '0') AS displayed, bool_or(mailer_location <> '0') AS mailed
FROM source_promotions
GROUP BY ALL;

-- name: transactions
-- Receipt lines, newest first as they are paged through; fuel counts something else where others count pieces, so it counts no units.
SELECT
    s.sold_at,
    s.basket_id + copy.number * 100000000000 AS basket_id,
    s.product_id,
    CAST(s.store_id AS INTEGER) AS store_id,
    CAST(s.household_id + copy.number * 10000 AS INTEGER) AS household_id,
    CAST(s.quantity AS INTEGER) AS quantity,
    CAST(CASE WHEN p.department = 'FUEL' OR p.product_type LIKE 'GASOLINE%' THEN NULL ELSE s.quantity END AS INTEGER) AS units,
    CAST(s.sales_value AS DECIMAL(9, 2)) AS sales_value,
    CAST(s.retail_disc AS DECIMAL(9, 2)) AS loyalty_discount,
    CAST(s.coupon_disc AS DECIMAL(9, 2)) AS coupon_discount,
    CAST(s.coupon_match_disc AS DECIMAL(9, 2)) AS coupon_match_discount,
    CASE
        WHEN covered.store_id IS NULL THEN NULL
        WHEN m.displayed AND m.mailed THEN 'Display and mailer'
        WHEN m.displayed THEN 'Display'
        WHEN m.mailed THEN 'Mailer'
        ELSE 'None'
    END AS promotion,
    CAST(date_diff('day', CAST(s.sold_at AS DATE), $as_of - 1) // 7 AS INTEGER) AS weeks_ago
FROM sales AS s
CROSS JOIN range($scale) AS copy(number)
LEFT JOIN source_products AS p USING (product_id)
LEFT JOIN promoted AS m ON m.product_id = s.product_id AND m.store_id = s.store_id AND m.week = s.week
LEFT JOIN (SELECT DISTINCT store_id FROM source_promotions) AS covered ON covered.store_id = s.store_id
ORDER BY s.sold_at DESC, basket_id, s.product_id;

-- name: listed
-- The product list, and the 17 products that were sold but are not on it.
CREATE TEMP VIEW listed AS
SELECT product_id, manufacturer_id, department, product_category, product_type, brand, package_size FROM source_products
UNION ALL
SELECT DISTINCT product_id, NULL, 'NOT LISTED', NULL, NULL, NULL, NULL
FROM source_transactions
WHERE product_id NOT IN (SELECT product_id FROM source_products);

-- name: products
-- The product hierarchy: department, category, type.
SELECT
    product_id,
    CAST(manufacturer_id AS INTEGER) AS manufacturer_id,
    department,
    product_category AS category,
    product_type,
    brand,
    package_size
FROM listed
ORDER BY product_id;

-- name: departments
-- The departments once each, with the ten that sell most under their own names and the others under one.
SELECT
    department,
    CASE WHEN row_number() OVER (ORDER BY sales DESC, department) <= 10 THEN department ELSE 'ALL OTHERS' END AS main_department,
    products
FROM (
    SELECT
        p.department,
        CAST(count(DISTINCT p.product_id) AS INTEGER) AS products,
        coalesce(sum(CAST(t.sales_value AS DECIMAL(9, 2))), 0) AS sales
    FROM listed AS p
    LEFT JOIN source_transactions AS t USING (product_id)
    GROUP BY p.department
)
ORDER BY department;

-- name: stores
-- The stores with sales; `store_group` is made up from a hash of the store's number (see group_of in completejourney.py).
SELECT
    CAST(store_id AS INTEGER) AS store_id,
    ['North', 'East', 'South', 'West'][1 + CAST('0x' || substr(md5('store-group:' || store_id), 1, 8) AS BIGINT) % 4] AS store_group,
    store_id IN (SELECT store_id FROM source_promotions) AS in_promotion_data,
    CAST(min(sold_at) AS DATE) AS first_sold_on,
    CAST(max(sold_at) AS DATE) AS last_sold_on
FROM sales
GROUP BY store_id
ORDER BY store_id;

-- name: households
-- Every household that bought something, with demographics for the 801 that were surveyed.
SELECT
    CAST(h.household_id + copy.number * 10000 AS INTEGER) AS household_id,
    d.household_id IS NOT NULL AS surveyed,
    d.age,
    d.income,
    d.home_ownership,
    d.marital_status,
    d.household_size,
    d.household_comp AS composition,
    d.kids_count
FROM (SELECT DISTINCT household_id FROM source_transactions) AS h
CROSS JOIN range($scale) AS copy(number)
LEFT JOIN source_demographics AS d ON d.household_id = h.household_id
ORDER BY 1;

-- name: promotions
-- Every promotion line, its codes in words (the codebook is the data set's own).
SELECT
    DATE '2016-12-26' + CAST((week - 1) * 7 AS INTEGER) AS week_start,
    product_id,
    CAST(store_id AS INTEGER) AS store_id,
    CASE display_location
        WHEN '0' THEN 'Not on display' WHEN '1' THEN 'Store front' WHEN '2' THEN 'Store rear' WHEN '3' THEN 'Front end cap'
        WHEN '4' THEN 'Mid-aisle end cap' WHEN '5' THEN 'Rear end cap' WHEN '6' THEN 'Side-aisle end cap' WHEN '7' THEN 'In-aisle'
        WHEN '9' THEN 'Secondary location' WHEN 'A' THEN 'In-shelf' ELSE 'Code ' || display_location
    END AS display,
    CASE mailer_location
        WHEN '0' THEN 'Not in mailer' WHEN 'A' THEN 'Interior page feature' WHEN 'C' THEN 'Interior page line item'
        WHEN 'D' THEN 'Front page feature' WHEN 'F' THEN 'Back page feature' WHEN 'H' THEN 'Wrap front feature'
        WHEN 'J' THEN 'Wrap interior coupon' WHEN 'L' THEN 'Wrap back feature' WHEN 'P' THEN 'Interior page coupon'
        WHEN 'X' THEN 'Free on interior page' WHEN 'Z' THEN 'Free on front, back or wrap' ELSE 'Code ' || mailer_location
    END AS mailer
FROM source_promotions
ORDER BY week_start, product_id, store_id, display, mailer;

-- name: promotion_weeks
-- Promotions at product and week: in how many stores a product was promoted, displayed, advertised.
SELECT
    DATE '2016-12-26' + CAST((week - 1) * 7 AS INTEGER) AS week_start,
    product_id,
    CAST(count(*) AS INTEGER) AS stores,
    CAST(count(*) FILTER (WHERE displayed) AS INTEGER) AS display_stores,
    CAST(count(*) FILTER (WHERE mailed) AS INTEGER) AS mailer_stores
FROM promoted
GROUP BY ALL
ORDER BY week_start, product_id;

-- name: forecast
-- No row yet: the forecast job writes the weeks to come, and the weeks before them to draw beside.
SELECT
    CAST(NULL AS VARCHAR) AS department,
    CAST(NULL AS DATE) AS week_start,
    CAST(NULL AS INTEGER) AS weeks_ahead,
    CAST(NULL AS VARCHAR) AS model,
    CAST(NULL AS DOUBLE) AS actual,
    CAST(NULL AS DOUBLE) AS expected,
    CAST(NULL AS DOUBLE) AS low_80,
    CAST(NULL AS DOUBLE) AS high_80,
    CAST(NULL AS DOUBLE) AS low_95,
    CAST(NULL AS DOUBLE) AS high_95
WHERE false;

-- name: forecast_errors
-- No row yet: the forecast job writes what each method would have said at earlier weeks, and how far off it was.
SELECT
    CAST(NULL AS VARCHAR) AS department,
    CAST(NULL AS VARCHAR) AS method,
    CAST(NULL AS VARCHAR) AS model,
    CAST(NULL AS DATE) AS made_in_week,
    CAST(NULL AS DATE) AS week_start,
    CAST(NULL AS INTEGER) AS weeks_ahead,
    CAST(NULL AS DOUBLE) AS actual,
    CAST(NULL AS DOUBLE) AS expected,
    CAST(NULL AS DOUBLE) AS error,
    CAST(NULL AS DOUBLE) AS absolute_error,
    CAST(NULL AS DOUBLE) AS scaled_error,
    CAST(NULL AS BOOLEAN) AS inside_80,
    CAST(NULL AS BOOLEAN) AS inside_95
WHERE false;

-- name: weekly_sales
-- What is forecast: net sales by department and week, read from the finished tables.
SELECT
    p.department AS name,
    CAST(date_trunc('week', t.sold_at) AS DATE) AS week_start,
    (SELECT CAST(min(sold_at) AS DATE) FROM transactions) AS first_day,
    CAST(sum(t.sales_value) AS DOUBLE) AS value
FROM transactions AS t
JOIN products AS p USING (product_id)
GROUP BY ALL
ORDER BY name, week_start;

/** The names of a relation's columns from an array of their numbers, in its order. */
export const columnNames = (relation: string, numbers: string): string => `array(
    select attname::text from unnest(${numbers}) with ordinality as k (number, place)
    join pg_attribute on attrelid = ${relation} and attnum = number order by place)`;

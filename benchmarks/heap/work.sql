-- What the benchmark of the heap has sqlite3 do, in memory: rows, indices, joins, groups, JSON.
CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT, town INTEGER, note TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
INSERT INTO person SELECT i, 'person ' || (i * 7919 % 60000), i * 31 % 700, substr('a note of some length, or none', 1, i % 30) FROM n;
CREATE INDEX by_name ON person(name);
CREATE INDEX by_town ON person(town, name);
CREATE TABLE town(id INTEGER PRIMARY KEY, name TEXT UNIQUE);
INSERT INTO town SELECT DISTINCT town, 'town ' || town FROM person;
SELECT town.name, count(*), max(person.name) FROM person JOIN town ON town.id = person.town
 GROUP BY town.name ORDER BY 2 DESC, 1 LIMIT 3;
SELECT length(json_group_array(json_object('id', id, 'name', name, 'note', note))) FROM person WHERE id % 3 = 0;
SELECT length(group_concat(name, ';')) FROM (SELECT name FROM person ORDER BY note, name);
UPDATE person SET note = upper(note) || name WHERE town % 2;
DELETE FROM person WHERE town % 5 = 0;
SELECT count(*), sum(length(note)) FROM person a WHERE EXISTS (SELECT 1 FROM person b WHERE b.name = a.name AND b.id <> a.id + 1);

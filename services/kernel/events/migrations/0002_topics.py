"""One topic per publishing service: the records of its topics of one fact each are put together in their order.

A key lies on the same partition as before. Each group goes on at its first unread record; what follows it there and was
read already comes again, and the inbox knows it. Dead letters stay where they are and lead back to the new topic.
"""

from alembic import op

revision = "events_0002"
down_revision = "events_0001"
branch_labels = None
depends_on = None

_UPGRADE = r"""
CREATE FUNCTION pg_temp.is_fact(topic text) RETURNS boolean LANGUAGE sql IMMUTABLE AS
  $$ SELECT topic ~ '^shenbao\.[a-z]+\.[a-z-]+$' $$;
CREATE FUNCTION pg_temp.of_service(topic text) RETURNS text LANGUAGE sql IMMUTABLE AS
  $$ SELECT 'shenbao.' || split_part(topic, '.', 2) $$;

CREATE TEMPORARY TABLE moved ON COMMIT DROP AS
  SELECT topic AS old_topic, partition, log_offset AS old_offset, pg_temp.of_service(topic) AS topic,
    row_number() OVER (PARTITION BY pg_temp.of_service(topic), partition ORDER BY log_position) - 1 AS log_offset
  FROM events.records WHERE pg_temp.is_fact(topic);
CREATE TEMPORARY TABLE lengths ON COMMIT DROP AS
  SELECT pg_temp.of_service(e.topic) AS topic, e.partition, (SELECT count(*) FROM moved m
    WHERE m.topic = pg_temp.of_service(e.topic) AND m.partition = e.partition) AS records
  FROM events.ends e WHERE pg_temp.is_fact(e.topic) GROUP BY 1, 2, 3;
CREATE TEMPORARY TABLE unread ON COMMIT DROP AS
  SELECT p.consumer_group, m.topic, m.partition, min(m.log_offset) AS log_offset
  FROM moved m JOIN events.positions p
    ON p.topic = m.old_topic AND p.partition = m.partition AND m.old_offset >= p.next_offset
  GROUP BY 1, 2, 3;
CREATE TEMPORARY TABLE stands ON COMMIT DROP AS
  SELECT DISTINCT p.consumer_group, l.topic, l.partition, coalesce(u.log_offset, l.records) AS next_offset
  FROM events.positions p JOIN lengths l ON l.topic = pg_temp.of_service(p.topic) AND l.partition = p.partition
  LEFT JOIN unread u ON (u.consumer_group, u.topic, u.partition) = (p.consumer_group, l.topic, l.partition)
  WHERE pg_temp.is_fact(p.topic);

INSERT INTO events.topics (topic, partitions)
  SELECT pg_temp.of_service(topic), max(partitions) FROM events.topics WHERE pg_temp.is_fact(topic) GROUP BY 1;
INSERT INTO events.ends (topic, partition, next_offset) SELECT topic, partition, records FROM lengths;
UPDATE events.records r SET topic = m.topic, log_offset = m.log_offset FROM moved m
  WHERE r.topic = m.old_topic AND r.partition = m.partition AND r.log_offset = m.old_offset;
DELETE FROM events.positions WHERE pg_temp.is_fact(topic);
INSERT INTO events.positions (consumer_group, topic, partition, next_offset)
  SELECT consumer_group, topic, partition, next_offset FROM stands;
DELETE FROM events.ends WHERE pg_temp.is_fact(topic);
DELETE FROM events.topics WHERE pg_temp.is_fact(topic);
UPDATE events.records SET headers = jsonb_set(headers, '{dlq_topic}',
    to_jsonb(pg_temp.of_service(headers ->> 'dlq_topic')))
  WHERE pg_temp.is_fact(headers ->> 'dlq_topic');
DROP FUNCTION pg_temp.is_fact(text);
DROP FUNCTION pg_temp.of_service(text);
"""


def upgrade() -> None:
    """Put the records together."""
    for statement in _UPGRADE.split(";\n"):
        if statement.strip():
            op.execute(statement)


def downgrade() -> None:
    """Nothing: the tables are the same. The older code does not follow the new topics, so let every group read to the
    end before it is started.
    """

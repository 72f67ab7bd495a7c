"""pgbench with the same transactions on the same server: one client, prepared statements, nothing between it and it.

The statements are those that our two sides send, in their order, with an outbox row and headers of the same size (we
put BEGIN and the scope into one message, which prepared statements cannot); each transaction waits for the disk as
ours do. pgbench is written in C and knows beforehand what it will send.
"""

import asyncio
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from bench.events.ground import GROUP, SOURCE, Ground, event
from services.kernel.db.embedded import binary
from services.kernel.db.locking import lock_key
from services.kernel.db.roles import role_of
from services.kernel.events.envelope import to_record
from services.kernel.events.outbox import channel

_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)
_SCOPE = "SELECT set_config('shenbao.scope', '/', true), set_config('shenbao.dossier', '', true);"
_EFFECT = "INSERT INTO bench_effects (aggregate_id, version) VALUES ('pgbench-' || :n % 200, :n / 200);"
#: Side → its transaction. `:n` counts the client's transactions.
SCRIPTS: Mapping[str, str] = {
    SOURCE: f"""\
\\set n :n + 1
BEGIN;
{_SCOPE}
{_EFFECT}
WITH held AS MATERIALIZED (
  SELECT pg_advisory_xact_lock({lock_key(SOURCE, "outbox")}), pg_notify('{channel(SOURCE)}', ''))
  INSERT INTO outbox (event_id, topic, key, headers, payload)
  SELECT gen_random_uuid()::text, 'shenbao.upload', 'pgbench-' || :n % 200, :headers::jsonb, :payload::bytea FROM held;
COMMIT;
""",
    GROUP: f"""\
\\set n :n + 1
BEGIN;
{_SCOPE}
WITH unseen AS (INSERT INTO inbox (consumer_group, event_id) VALUES ('pgbench', gen_random_uuid()::text)
  ON CONFLICT DO NOTHING RETURNING consumer_group)
  INSERT INTO inbox_versions (consumer_group, stream, aggregate_id, version)
  SELECT consumer_group, 'upload', 'pgbench-' || :n % 200, :n FROM unseen
  ON CONFLICT (consumer_group, stream, aggregate_id) DO UPDATE SET version = excluded.version
  WHERE inbox_versions.version < excluded.version RETURNING 1;
{_EFFECT}
COMMIT;
""",
}


async def pgbench(ground: Ground, folder: Path, side: str, seconds: int) -> float:
    """Transactions of one side per second; what it left in the outbox is removed, for nobody wants it."""
    script = folder / f"{side}.sql"
    script.write_text(SCRIPTS[side])
    record = to_record(event("pgbench", 1))
    variables = {"n": "0", "headers": json.dumps(dict(record.headers)), "payload": "\\x" + record.payload.hex()}
    command = [
        str(binary("pgbench")), "-n", "-c", "1", "-j", "1", "-M", "prepared", "-T", str(seconds), "-f", str(script),
        *(f"--define={name}={value}" for name, value in variables.items()),
        "-h", "127.0.0.1", "-p", str(ground.port), "-U", role_of(side), "shenbao",
    ]  # fmt: skip
    environment = {
        "PATH": os.environ["PATH"],
        "PGPASSWORD": ground.secrets.passwords[role_of(side)],
        "PGOPTIONS": f"-c search_path={side}",
    }
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()
    found = _TPS.search(said.decode())
    if process.returncode or found is None:
        raise RuntimeError(f"pgbench failed: {said.decode()[-500:]}")
    async with ground.everything() as connection:
        await connection.execute(f"DELETE FROM {SOURCE}.outbox WHERE key LIKE 'pgbench-%'")
    return float(found[1])

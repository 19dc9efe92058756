#!/usr/bin/env bash
# Proves docker-compose.yml for real, on any machine with Docker (docker compose, or docker-compose 1.29):
#   - the storefront has no secret but that of its database, and reaches neither Redis nor Muster's database;
#   - three workers come up, the demo runs, and each of the three does some of a batch of 50,000 users;
#   - a worker is killed, Redis restarted, Postgres restarted, each in the middle of another such batch;
#   - load runs for a minute over three workers, one of which is killed: what is counted is in the storefront's log;
#   - a snapshot, written by one worker to the shared volume, is restored and shown by the API;
#   - everything is stopped in the middle of a batch: all end with code 0, and after the start the batch goes on.
# After each batch the application must have exactly the users that were asked for. Takes about six minutes.
#
# It is a project of its own with throw-away secrets and volumes, and leaves nothing behind. Settings:
#   USERS=50000   PORT=18080   STOREFRONT_PORT=15001   KEEP=1 leaves it up   REPORT=file keeps the run's report
set -euo pipefail
cd "$(dirname "$0")/../.."

project=muster-smoke
users=${USERS:-50000}
secrets=$(mktemp)
if docker compose version >/dev/null 2>&1; then program=(docker compose); else program=(docker-compose); fi

random_hex() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
cat >"$secrets" <<END
MUSTER_API_KEY=$(random_hex)
MUSTER_ENCRYPTION_KEY=$(random_hex)
POSTGRES_PASSWORD=$(random_hex)
APP_DATABASE_PASSWORD=$(random_hex)
TEST_DATA_PASSWORD=$(random_hex)
PORT=${PORT:-18080}
STOREFRONT_PORT=${STOREFRONT_PORT:-15001}
RATE_LIMIT_PER_MINUTE=100000
STOREFRONT_ACCESS_LOG=/tmp/access.log
END

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
compose() { "${program[@]}" --project-name "$project" --env-file "$secrets" "$@"; }
muster() { compose exec -T api node services/cli/main.ts "$@" </dev/null; }
platform_sql() { compose exec -T postgres psql -U postgres -d muster -Atc "$1" </dev/null; }
sql() { compose exec -T postgres psql -U postgres -d storefront -Atc "$1" </dev/null; }

tidy() {
  local code=$?
  if [ "$code" -ne 0 ]; then compose ps || true; compose logs --tail=15 || true; fi
  if [ -n "${KEEP:-}" ]; then
    echo "Left up. Its settings: $secrets; its end: ${program[*]} -p $project --env-file $secrets down -v"
  else
    compose down --volumes --timeout 40 >/dev/null 2>&1 || true
    rm -f "$secrets"
  fi
  exit "$code"
}
trap tidy EXIT

# Seven containers: three workers, the API, the storefront, Postgres, Redis.
wait_until_healthy() {
  local healthy
  for _ in $(seq 90); do
    healthy=$(docker ps -q --filter "label=com.docker.compose.project=$project" --filter health=healthy | wc -l)
    [ "$healthy" -eq 7 ] && return
    sleep 1
  done
  fail "only $healthy of 7 containers are healthy after 90 s"
}

batch_of() { sql "select test_batch_id from users where username like '$1\_%' limit 1"; }

# Exactly the users asked for, each once, and none of another name; shows who made them.
check_batch() {
  local name=$1 batch made
  batch=$(batch_of "$name")
  made=$(sql "select count(distinct username) filter (where username like '$name\_%'), count(*) from users where test_batch_id = '$batch'")
  [ "$made" = "$users|$users" ] || fail "$name: $made users instead of $users"
  echo "rows in the application: ${made#*|}"
  muster users batch "$batch"
}

workers_of() { sql "select count(distinct worker) from muster.bulk_chunks where batch_id = '$(batch_of "$1")' and created_count > 0"; }

# Waits until the newest batch has some of its chunks done; gives the name of a worker that has one in its hands.
busy_worker() {
  local worker
  for _ in $(seq 120); do
    worker=$(sql "select worker from muster.bulk_chunks c where status = 'running' and exists (
      select from muster.bulk_chunks d where d.batch_id = c.batch_id and d.status = 'done' and d.chunk_index >= 40) limit 1")
    if [ -n "$worker" ]; then echo "$worker"; return; fi
  done
  fail 'no batch got under way'
}

kill_worker() { docker kill "${1%-*}"; } # a worker's name is its container's, and a process id
restart_redis() { compose restart redis; }
restart_postgres() { compose restart postgres; }

# Small chunks, so that there is a middle.
batch_through() {
  local name=$1 fault=$2 worker creation
  say "$users users, and in the middle of it: $fault"
  SECONDS=0
  muster users create -n "$users" --batch-size 100 --pattern "${name}_{id}@example.com" --follow >"$secrets.log" 2>&1 &
  creation=$!
  worker=$(busy_worker)
  "$fault" "$worker"
  wait "$creation" || { cat "$secrets.log"; fail "$name: the job did not succeed"; }
  echo "done after $SECONDS s"
  rm -f "$secrets.log"
  check_batch "$name"
}

# Requests that reached the storefront: of one shard of a run, under all of its leases.
seen() { compose exec -T storefront grep -c "run $1; shard $2" /tmp/access.log </dev/null || true; }

# What the killed worker sent and did not tell any more is no figure's, but its number is known.
check_shard() {
  local run=$1 shard=$2 epoch=$3 counted=$4 interrupted=$5 in_log
  in_log=$(seen "$run" "$shard\\.")
  echo "shard $shard: $counted requests counted and $interrupted interrupted, $in_log in the storefront's log$([ "$epoch" = 1 ] || echo ", taken over")"
  [ "$epoch" != 1 ] || [ "$interrupted" = 0 ] || fail "shard $shard: interrupted, and nobody has"
  [ "$((counted + ${interrupted:-0}))" -eq "$in_log" ] || fail "shard $shard: the log has $in_log requests"
}

load_and_a_loss() {
  local run victim following
  # The storefront fails one request in a hundred on purpose: at this pace that is less than 100 errors a minute, the limit.
  say 'load for 60 s over three workers, and one of them is killed'
  muster load-tests run -u 60 -d 60s --interval 0.3:0.9 --follow >"$secrets.log" 2>&1 &
  following=$!
  until victim=$(platform_sql "select s.worker from load_shards s join load_timeline t using (load_test_id)
    where s.shard = 1 and t.second = 20") && [ -n "$victim" ]; do sleep 1; done
  kill_worker "$victim"
  wait "$following" || true # degraded, which fails the command
  cat "$secrets.log"
  rm -f "$secrets.log"
  run=$(platform_sql 'select id from load_tests order by id desc limit 1')
  [ "$(platform_sql "select status, degraded from load_tests where id = '$run'")" = 'succeeded|t' ] ||
    fail 'the run did not end as succeeded and degraded'
  while IFS='|' read -r shard epoch counted interrupted; do
    check_shard "$run" "$shard" "$epoch" "$counted" "$interrupted"
  done < <(platform_sql "select shard, epoch, requests, interrupted from load_shards where load_test_id = '$run' order by shard")
  [ -z "${REPORT:-}" ] || compose exec -T api node services/cli/main.ts load-tests report "$run" -o /dev/stdout \
    </dev/null | sed '/^The report is in/d' >"$REPORT"
}

# The rows of the staff, whatever their order.
staff_digest() { sql "select md5(string_agg(t::text, ',' order by t::text)) from staffs t"; }

snapshot_round_trip() {
  local before
  say 'a dataset, a snapshot of it, and the restore'
  muster datasets create --offices 10 --staffs 5 --recipients 20 --seed 1 --follow
  before=$(staff_digest)
  muster snapshots create smoke --follow
  sql "update staffs set last_name = 'changed'; delete from support_plan_cycles" >/dev/null
  [ "$(staff_digest)" != "$before" ] || fail 'the update changed nothing'
  muster snapshots restore smoke --follow
  [ "$(staff_digest)" = "$before" ] || fail 'the restored rows differ'
  [ "$(sql 'select count(*) from support_plan_cycles')" = 200 ] || fail 'the deleted rows are not back'
  muster snapshots show smoke
  muster snapshots delete smoke
}

storefront_alone() {
  local names reached
  say 'the storefront has what is its own, and no more'
  names=$(compose exec -T storefront node -p 'Object.keys(process.env).filter(n => /KEY|PASSWORD|SECRET|_URL$/.test(n)).join()' </dev/null)
  [ "$names" = APP_DATABASE_URL ] || fail "its environment has $names"
  reached=$(compose exec -T storefront node --input-type=module -e '
    import postgres from "postgres";
    import { lookup } from "node:dns/promises";
    const found = await lookup("redis").then(() => "resolves", error => error.code);
    const url = new URL(process.env.APP_DATABASE_URL);
    url.pathname = "muster";
    const sql = postgres(url.href, { max: 1, connect_timeout: 5 });
    const opened = await sql`select 1`.then(() => "opened", error => error.code);
    await sql.end();
    console.log(found, opened)' </dev/null)
  echo "redis: ${reached% *}, the database muster: ${reached#* }"
  [[ "$reached" =~ ^(ENOTFOUND|EAI_AGAIN)\ 42501$ ]] || fail "it reaches what is not its own: $reached"
}

stop_and_start() {
  local job codes
  say 'stop in the middle of a batch, and start again'
  job=$(muster users create -n "$users" --batch-size 100 --pattern 'stopped_{id}@example.com' | grep -om1 '[0-9a-f-]\{36\}')
  busy_worker >/dev/null
  SECONDS=0
  compose stop >/dev/null 2>&1
  echo "stopped after $SECONDS s"
  codes=$(compose ps -aq | xargs docker inspect -f '{{.State.ExitCode}} {{.Name}}')
  echo "$codes"
  ! grep -qv '^0 ' <<<"$codes" || fail 'a process did not end by itself with code 0'
  compose up -d --scale worker=3 >/dev/null 2>&1
  wait_until_healthy
  muster jobs follow "$job"
  check_batch stopped
}

say 'up'
SECONDS=0
compose up -d --build --scale worker=3
wait_until_healthy
echo "healthy after $SECONDS s"

storefront_alone

say 'the demo'
muster --api http://127.0.0.1:8080 demo

say "$users users"
SECONDS=0
muster users create -n "$users" --pattern 'calm_{id}@example.com' --follow
echo "done after $SECONDS s"
check_batch calm
[ "$(workers_of calm)" -eq 3 ] || fail 'not every worker did some of the chunks'

snapshot_round_trip

batch_through killed kill_worker
compose up -d --scale worker=3 >/dev/null 2>&1
wait_until_healthy
batch_through queue restart_redis
batch_through database restart_postgres
load_and_a_loss
compose up -d --scale worker=3 >/dev/null 2>&1
wait_until_healthy
stop_and_start

say 'passed'

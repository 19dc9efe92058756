#!/usr/bin/env bash
# Proves docker-compose.yml for real, on any machine with Docker (docker compose, or docker-compose 1.29):
#   - three workers come up, the demo runs, and each of the three does some of a batch of 50,000 users;
#   - a worker is killed, Redis restarted, Postgres restarted, each in the middle of another such batch;
#   - everything is stopped in the middle of a batch: all end with code 0, and after the start the batch goes on.
# After each the application must have exactly the users that were asked for. Takes about four minutes.
#
# It is a project of its own with throw-away secrets and volumes, and leaves nothing behind. Settings:
#   USERS=50000   PORT=18080   STOREFRONT_PORT=15001   KEEP=1 leaves it up
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
PORT=${PORT:-18080}
STOREFRONT_PORT=${STOREFRONT_PORT:-15001}
RATE_LIMIT_PER_MINUTE=100000
END

say() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
compose() { "${program[@]}" --project-name "$project" --env-file "$secrets" "$@"; }
muster() { compose exec -T api node services/cli/main.ts "$@" </dev/null; }
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

say 'the demo'
muster --api http://127.0.0.1:8080 demo

say "$users users"
SECONDS=0
muster users create -n "$users" --pattern 'calm_{id}@example.com' --follow
echo "done after $SECONDS s"
check_batch calm
[ "$(workers_of calm)" -eq 3 ] || fail 'not every worker did some of the chunks'

batch_through killed kill_worker
compose up -d --scale worker=3 >/dev/null 2>&1
wait_until_healthy
batch_through queue restart_redis
batch_through database restart_postgres
stop_and_start

say 'passed'

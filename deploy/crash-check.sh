#!/usr/bin/env bash
# Kills a real server with SIGKILL in the middle of ingest, again and again, and checks after each restart that nothing was lost:
#   - every article that was acknowledged is there, and none is there twice;
#   - the server starts again by itself;
#   - weights fall back by no more than the stated bound (Weights.CheckpointUpdates) below the version read just before the kill.
# Needs nothing but bash and the program.
set -euo pipefail

usage() {
  cat <<'HELP'
Usage: deploy/crash-check.sh [--kills N] [--articles N] [--seed N] [--program COMMAND] [--keep]

  --kills N          How often to kill the server (default 10).
  --articles N       Articles sent around each kill (default 2000); four in five have highlights.
  --seed N           Seed of the articles and of the moments of the kills (default: the clock; it is printed).
  --program COMMAND  What runs rsrnet (default: the launcher of this tree).
  --keep             Leaves the data folder and the logs behind and says where.

Exit code 0 where all checks hold, 1 where one does not, 2 for a wrong call.
HELP
}

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
kills=10 articles=2000 seed=$((SECONDS + $(date +%s) % 100000)) program=$root/rsrnet keep=0
while (($#)); do
  case $1 in
    --kills) kills=$2; shift 2 ;;
    --articles) articles=$2; shift 2 ;;
    --seed) seed=$2; shift 2 ;;
    --program) program=$2; shift 2 ;;
    --keep) keep=1; shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
read -ra rsrnet <<<"$program"
bound=60 # WeightOptions.CheckpointUpdates
RANDOM=$((seed % 32768))

work=$(mktemp -d)
export XDG_DATA_HOME=$work/user # where the sender keeps its place
server=0 sender=0
clean_up() {
  local process
  for process in "$server" "$sender"; do
    if ((process)); then kill -9 "$process" 2>/dev/null || true; fi
  done
  wait 2>/dev/null || true
  if ((keep)); then echo "kept: $work" >&2; else rm -rf "$work"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() {
  echo "crash-check: $*" >&2
  tail -n 20 "$work/server.err" >&2 2>/dev/null || true
  exit 1
}

# Starts the server and waits until it is ready. The first time any free port, later the same one, so that the sender finds it again.
port=0
start_server() {
  local i
  : >"$work/server.out"
  "${rsrnet[@]}" serve --data "$work/data" --urls "http://127.0.0.1:$port" --quiet >"$work/server.out" 2>>"$work/server.err" &
  server=$!
  for ((i = 0; i < 600; i++)); do
    if grep -q 'RSR-Net is ready: ' "$work/server.out"; then
      port=$(sed -n 's/.*RSR-Net is ready: http:\/\/[^:]*:\([0-9]*\).*/\1/p' "$work/server.out")
      return
    fi
    kill -0 "$server" 2>/dev/null || fail "the server did not start"
    sleep 0.1
  done
  fail "the server was not ready within 60 s"
}

# The weight version the server has come to, over a connection of bash's own: the moment between this and the kill must be short.
weight_version() {
  local answer
  exec 3<>"/dev/tcp/127.0.0.1/$port"
  printf 'GET /v1/telemetry HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n' >&3
  answer=$(cat <&3)
  exec 3>&-
  sed -n 's/.*"weightVersion":\([0-9]*\).*/\1/p' <<<"$answer"
}

# The version the server had when it started, before it learned anything: it says so.
version_at_start() { grep -o 'weight version [0-9,]*' "$work/server.err" | tail -n 1 | tr -dc '0-9'; }

stored_ids() {
  "${rsrnet[@]}" documents --limit 100000000 --json --url "http://127.0.0.1:$port" 2>/dev/null |
    grep -o '"id":"[^"]*"' | cut -d '"' -f 4 | sort
}

# How many articles of the file being sent the server has acknowledged: the sender's own note, written after each answer.
acknowledged() {
  local place
  place=$(cat "$work"/user/rsrnet/resume/ingest-*.json 2>/dev/null || true)
  sed -n 's/.*"passed":\([0-9]*\).*/\1/p' <<<"$place"
}

milliseconds() { echo $(($(date +%s%N) / 1000000)); }

echo "seed $seed: $kills kills, $articles articles around each; the bound is $bound weight updates"
start_server
printf '%4s  %9s  %12s  %6s  %8s  %6s  %8s  %8s  %5s  %10s\n' \
  kill 'after ms' acknowledged stored missing twice 'w before' 'w after' lost 'restart ms'
: >"$work/sent-ids"
violations=0
for ((kill = 1; kill <= kills; kill++)); do
  file=$work/articles-$kill.ndjson
  "${rsrnet[@]}" newswire --seed "$seed" --from $(((kill - 1) * articles)) --count "$articles" >"$file" 2>/dev/null
  "${rsrnet[@]}" ingest "$file" --json --retry-seconds 120 --url "http://127.0.0.1:$port" >"$work/sender.out" 2>>"$work/sender.err" &
  sender=$!

  # From the first acknowledged batch on, a random moment: two times in three while articles come in, else while learning goes on.
  for ((i = 0; i < 600; i++)); do
    [[ -n $(acknowledged) ]] && break
    kill -0 "$sender" 2>/dev/null || break
    sleep 0.02
  done
  pause=$((kill % 3 ? RANDOM % 300 : 2000 + RANDOM % 6000))
  sleep "$(printf '%d.%03d' $((pause / 1000)) $((pause % 1000)))"
  before=$(weight_version)
  kill -9 "$server"
  wait "$server" 2>/dev/null || true
  server=0
  count=$(acknowledged)
  # The sender removes its note once everything is acknowledged.
  if [[ -z $count ]]; then
    if kill -0 "$sender" 2>/dev/null && [[ ! -s $work/sender.out ]]; then count=0; else count=$articles; fi
  fi
  { cat "$work/sent-ids"; head -n "$count" "$file" | grep -o '^{"id":"[^"]*"' | cut -d '"' -f 4; } | sort >"$work/acknowledged-ids"

  began=$(milliseconds)
  start_server
  restart=$(($(milliseconds) - began))
  after=$(version_at_start)

  state=0
  wait "$sender" || state=$?
  sender=0
  ((state == 0)) || fail "the sender failed: $(tail -n 3 "$work/sender.err")"
  grep -o '^{"id":"[^"]*"' "$file" | cut -d '"' -f 4 >>"$work/sent-ids"
  stored_ids >"$work/stored-ids"
  stored=$(wc -l <"$work/stored-ids")
  twice=$(uniq -d "$work/stored-ids" | wc -l)
  missing=$(comm -23 "$work/acknowledged-ids" <(uniq "$work/stored-ids") | wc -l)
  lost=$((before > after ? before - after : 0))
  printf '%4d  %9d  %12d  %6d  %8d  %6d  %8d  %8d  %5d  %10d\n' \
    "$kill" "$pause" "$count" "$stored" "$missing" "$twice" "$before" "$after" "$lost" "$restart"
  if ((missing || twice || lost > bound || stored != kill * articles)); then violations=$((violations + 1)); fi
done

kill -TERM "$server"
wait "$server" 2>/dev/null || fail "the server did not end in order"
server=0
if ((violations)); then
  echo "FAILED: $violations of $kills restarts broke a promise"
  exit 1
fi
echo "passed: $kills kills, $((kills * articles)) articles, none missing, none twice, weights within the bound"

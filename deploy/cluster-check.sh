#!/usr/bin/env bash
# A cluster of real processes on the loopback address: PostgreSQL, two cpu silos, a silo in the gpu role with the CPU engine, and a gateway.
# Articles are sent to the gateway; in the middle a silo is killed with SIGKILL and started again. Checks that no accepted article is lost, none is there
# twice, every one with highlights is learned from once and teaches once, and no update counts twice; a text model that was added at the gateway learns each
# article with its label once, and answers the same at two processes.
# Needs bash, psql, PostgreSQL's server programs, and the full edition.
set -euo pipefail

usage() {
  cat <<'HELP'
Usage: deploy/cluster-check.sh [--articles N] [--kill cpu-a|cpu-b|gpu|none] [--during ingest|learning] [--learning residual|notebook] [--seed N]
                               [--program COMMAND] [--keep]

  --articles N       Articles sent (default 2000); four in five have highlights.
  --kill SILO        Which silo to kill in the middle (default cpu-a, the first to start, which holds the coordinator), or none.
  --during WHAT      ingest (the default): killed when half of the articles are stored, and the other half is sent while it is dead. learning: killed when
                     all are on their way and a quarter of those with highlights is learned from.
  --learning MODE    The learning mode (default residual).
  --seed N           Seed of the articles (default 1).
  --program COMMAND  What runs rsrnet (default: the launcher of this tree, in the full edition).
  --keep             Leaves logs and database behind and says where.

Exit code 0 where all checks hold, 1 where one does not, 2 for a wrong call.
HELP
}

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
articles=2000 victim=cpu-a during=ingest learning=residual seed=1 program="$root/rsrnet --edition full" keep=0
while (($#)); do
  case $1 in
    --articles) articles=$2; shift 2 ;;
    --kill) victim=$2; shift 2 ;;
    --during) during=$2; shift 2 ;;
    --learning) learning=$2; shift 2 ;;
    --seed) seed=$2; shift 2 ;;
    --program) program=$2; shift 2 ;;
    --keep) keep=1; shift ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done
case $victim in cpu-a | cpu-b | gpu | none) ;; *) usage >&2; exit 2 ;; esac
case $during:$learning in
  ingest:residual | learning:residual) steps=1 mode=Residual ;;
  ingest:notebook | learning:notebook) steps=3 mode=Notebook ;;
  *) usage >&2; exit 2 ;;
esac
read -ra rsrnet <<<"$program"

work=$(mktemp -d)
declare -A processes=()
export XDG_DATA_HOME=$work/user
fail() {
  echo "cluster-check: $*" >&2
  local log
  for log in "$work"/*.err; do [[ -s $log ]] && { echo "--- ${log##*/}" >&2; tail -n 8 "$log" >&2; }; done
  exit 1
}
clean_up() {
  local name
  for name in "${!processes[@]}"; do kill -9 "${processes[$name]}" 2>/dev/null || true; done
  [[ -f $work/pg/postmaster.pid ]] && as_postgres "$postgres/pg_ctl" -D "$work/pg" -m immediate stop >/dev/null 2>&1 || true
  wait 2>/dev/null || true
  if ((keep)); then echo "kept: $work" >&2; else rm -rf "$work"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# --- PostgreSQL, which does not run as root ---

command -v psql >/dev/null || fail "psql is not installed (postgresql-client)"
postgres=
for folder in $(dirname -- "$(readlink -f -- "$(command -v initdb || echo /nowhere/initdb)")") /usr/lib/postgresql/*/bin; do
  [[ -x $folder/initdb && -x $folder/pg_ctl ]] && postgres=$folder
done
[[ $postgres ]] || fail "PostgreSQL's server programs are not installed (postgresql)"
as_postgres() { if ((EUID)); then "$@"; else runuser -u postgres -- "$@"; fi; }

free_port() { # a port that nobody listens at now
  local port
  while :; do
    port=$((20000 + RANDOM % 12000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then echo "$port"; return; fi
  done
}

pg_port=$(free_port)
chmod 755 "$work"
mkdir "$work/pg" "$work/socket"
((EUID)) || chown postgres "$work/pg" "$work/socket"
as_postgres "$postgres/initdb" --no-sync --encoding=UTF8 --locale=C --username=postgres --auth=trust --pgdata="$work/pg" >"$work/pg.log" 2>&1 ||
  fail "initdb failed: $(tail -n 3 "$work/pg.log")"
(cd "$work/socket" && as_postgres "$postgres/pg_ctl" -D "$work/pg" -w -l "$work/socket/log" -o "-h 127.0.0.1 -p $pg_port -k $work/socket" start) >/dev/null ||
  fail "PostgreSQL did not start: $(tail -n 3 "$work/socket/log")"
place="host=127.0.0.1 port=$pg_port user=postgres dbname=postgres"
"$root/deploy/database.sh" "$place" >/dev/null
query() { psql --no-psqlrc --tuples-only --no-align "$place" --command "$1"; }

# --- the cluster, from the configuration files that come with it ---

configure() { # name, file of silo-config, port of its server
  local port gateway
  port=$(free_port)
  gateway=$(free_port)
  sed -e "s|\"Database\": \"[^\"]*\"|\"Database\": \"Host=127.0.0.1;Port=$pg_port;Database=postgres;Username=postgres\"|" \
    -e "s|\"Urls\": \"[^\"]*\"|\"Urls\": \"http://127.0.0.1:$3\"|" \
    -e "s|\"Port\": [0-9]*|\"Port\": $port|" -e "s|\"GatewayPort\": [0-9]*|\"GatewayPort\": $gateway|" \
    -e "s|\"Learning\": \"[^\"]*\"|\"Learning\": \"$mode\"|" \
    -e "s|\"Name\": \"[^\"]*\"|\"Name\": \"$1\"|" "$root/silo-config/$2" >"$work/$1.json"
}

launch() { # name
  : >"$work/$1.out"
  "${rsrnet[@]}" serve --quiet --config "$work/$1.json" >"$work/$1.out" 2>>"$work/$1.err" &
  processes[$1]=$!
}

wait_ready() { # name
  local i
  for ((i = 0; i < 1200; i++)); do
    grep -q 'RSR-Net is ready: ' "$work/$1.out" && return
    kill -0 "${processes[$1]}" 2>/dev/null || fail "$1 did not start"
    sleep 0.1
  done
  fail "$1 was not ready within two minutes"
}

http=$(free_port)
url=http://127.0.0.1:$http
configure cpu-a cluster-cpu.json "$(free_port)"
http_b=$(free_port)
configure cpu-b cluster-cpu.json "$http_b"
configure gpu cluster-gpu.json "$(free_port)"
configure gateway gateway.json "$http"
"${rsrnet[@]}" --version >/dev/null 2>>"$work/build.err" || fail "the program does not run"
began=$SECONDS
launch cpu-a
wait_ready cpu-a
launch cpu-b
launch gpu
launch gateway
for name in cpu-b gpu gateway; do wait_ready "$name"; done
started=$((SECONDS - began))
echo "a cluster of three silos and a gateway after $started s: $url"

# --- articles ---

ask() { # method, path, body, port (the gateway's where nothing is said): the whole answer
  exec 3<>"/dev/tcp/127.0.0.1/${4:-$http}"
  printf '%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n%s' "$1" "$2" "${#3}" "$3" >&3
  cat <&3
  exec 3>&-
}
telemetry() { # name of a number; from the gateway
  ask GET /v1/telemetry '' | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"
}
model_learned() { # articles that the text model was taught; from the gateway, nothing while it does not answer
  ask GET /v1/models/topics '' | sed -n 's/.*"prequential":{"articles":\([0-9]*\).*/\1/p'
}
documents() { query "SELECT count(*) FROM rsrnet.documents ${1:+WHERE $1}"; } # those of which this holds; all where nothing is said

"${rsrnet[@]}" newswire --seed "$seed" --count "$articles" >"$work/articles.ndjson" 2>/dev/null
labelled=$(grep -c '"highlights"' "$work/articles.ndjson")
topical=$(grep -c '"topic"' "$work/articles.ndjson")
# A text model, put at the gateway: one of the silos learns it. A checkpoint every 300 articles, so that the kill falls between two.
ask PUT /v1/models/topics '{"label": "topic", "embedding": 16, "hidden": 16, "checkpointArticles": 300}' | head -n 1 | grep -q ' 201 ' || fail "the text model could not be added"
sending=$SECONDS

# The sender reads what it is given: in the ingest the second half only once the silo is dead.
feed() {
  local half=$((articles / 2))
  [[ $during == ingest && $victim != none ]] || half=$articles
  head -n "$half" "$work/articles.ndjson"
  while ((half < articles)) && [[ ! -e $work/killed ]]; do sleep 0.05; done
  tail -n +"$((half + 1))" "$work/articles.ndjson"
}
"${rsrnet[@]}" ingest - --json --retry-seconds 300 --url "$url" < <(feed) >"$work/sender.out" 2>"$work/sender.err" &
sender=$!
processes[sender]=$sender

# Midway. The sender sends batches of 256: the rest of the first half waits for the second.
midway() {
  if [[ $during == ingest ]]; then (($(documents '') >= articles / 2 / 256 * 256)); else (($(documents 'learned_at IS NOT NULL') * 4 >= labelled)); fi
}
killed=-
for ((i = 0; i < 3000; i++)); do
  midway && break
  sleep 0.1
done
if [[ $victim != none ]]; then
  kill -9 "${processes[$victim]}"
  wait "${processes[$victim]}" 2>/dev/null || true
  before=$(documents '')
  learned=$(documents 'learned_at IS NOT NULL')
  : >"$work/killed"
  killed="when $before of $articles were stored and $learned of $labelled learned from"
  echo "killed $victim: $before articles were stored, $learned of $labelled learned"
  sleep 5
  launch "$victim"
  wait_ready "$victim"
  echo "$victim is back after $((SECONDS - sending)) s"
fi

state=0
wait "$sender" || state=$?
unset 'processes[sender]'
((state == 0)) || fail "the sender failed: $(tail -n 3 "$work/sender.err")"
accepted=$(sed -n 's/.*"accepted":\([0-9]*\).*/\1/p' "$work/sender.out")
repeated=$(sed -n 's/.*"duplicates":\([0-9]*\).*/\1/p' "$work/sender.out")
for ((i = 0; i < 3000; i++)); do
  (($(documents 'status < 2') == 0 && $(documents 'learned_at IS NOT NULL') >= labelled && $(model_learned || true)+0 >= topical)) && break
  sleep 0.2
done
seconds=$((SECONDS - sending))

# --- what came of it ---

"${rsrnet[@]}" checkpoint save --url "$url" >"$work/checkpoint" 2>"$work/checkpoint.err" || fail "the weights could not be saved"
stored=$(documents)
lost=$((articles - stored))
duplicated=$((stored - $(query "SELECT count(DISTINCT id) FROM rsrnet.documents")))
unfinished=$(documents 'status < 2')
learned=$(documents 'learned_at IS NOT NULL')
failed=$(documents 'status = 4')
version=$(telemetry weightVersion)
updates=$(query "SELECT max(learned_at) FROM rsrnet.documents")
batches=$(query "SELECT count(DISTINCT learned_at) FROM rsrnet.documents WHERE learned_at IS NOT NULL")
# In the residual mode the checkpoint knows how many articles its regressions have been taught by: a number of 64 bits in the safetensors file.
taught=$labelled
if [[ $mode == Residual ]]; then
  query "SELECT encode(content, 'base64') FROM rsrnet.checkpoints ORDER BY version DESC LIMIT 1" | base64 -d >"$work/weights"
  header=$(od -An -tu8 -N8 "$work/weights" | tr -d ' ')
  offset=$(head -c "$((8 + header))" "$work/weights" | tail -c "$header" | sed -n 's/.*"regression\.mean\.count":{[^}]*"data_offsets":\[\([0-9]*\),.*/\1/p')
  taught=$(od -An -tf8 -j "$((8 + header + offset))" -N8 "$work/weights" | tr -d ' ')
fi
term=$(query "SELECT value FROM rsrnet.settings WHERE name = 'term'")
stale=$(telemetry staleGradients)
model=$(ask GET /v1/models/topics '')
taught_model=$(model_learned)
of_classes=$(($(grep -o '"label":"[^"]*","articles":[0-9]*' <<<"$model" | sed 's/.*://' | paste -sd+ -)))
model_terms=$(query "SELECT term FROM rsrnet.models WHERE name = 'topics'")
# The same answer, whoever is asked; probabilities and version included.
answers=$(for port in "$http" "$http_b"; do ask POST /v1/models/topics/classify '{"text": "The striker scored twice and the home side won the cup"}' "$port" | grep '"label"'; done | sort -u | wc -l)

printf '%-28s %s\n' \
  'articles sent' "$articles ($labelled with highlights)" \
  'accepted' "$((accepted + repeated))$( ((repeated)) && echo " ($repeated of them sent again after the kill)")" \
  'lost' "$lost" \
  'duplicated' "$duplicated" \
  'unfinished' "$unfinished" \
  'failed' "$failed" \
  'learned from' "$learned" \
  'lessons in the weights' "$taught" \
  'training batches' "$batches" \
  'weight version' "$version" \
  'last version that learned' "$updates" \
  'stale gradients recomputed' "$stale" \
  'terms of the coordinator' "$term" \
  'text model: articles learned' "$taught_model of $topical with a topic, $of_classes over its classes" \
  'text model: claimed' "$model_terms times" \
  'text model: answers' "$answers from two processes" \
  'killed' "$victim $killed" \
  'learning mode' "$learning" \
  'time' "$seconds s from the first article, the kill, 5 s without the silo and its restart among them"

problems=()
((accepted + repeated == articles)) || problems+=("not every article was accepted")
((lost == 0)) || problems+=("$lost accepted articles are lost")
((duplicated == 0)) || problems+=("$duplicated articles are there twice")
((unfinished == 0)) || problems+=("$unfinished articles wait for ever")
((failed == 0)) || problems+=("$failed articles failed")
((learned == labelled)) || problems+=("$learned of $labelled were learned from")
((taught == labelled)) || problems+=("the weights have been taught by $taught articles, not by $labelled")
# Each batch is a supervision step, three in the notebook's mode, and each a version. More versions than that would be an update applied twice.
((taught_model == topical)) || problems+=("the text model was taught by $taught_model articles, not by $topical")
((of_classes == topical)) || problems+=("the text model's classes count $of_classes articles, not $topical")
((answers == 1)) || problems+=("two processes classify a text by $answers answers")
((updates <= version)) || problems+=("a document was learned at version $updates, which the weights, at $version, do not hold")
((version <= steps * batches)) || problems+=("$version updates for $batches batches of $steps: some were applied twice")
if ((${#problems[@]})); then
  printf 'FAILED: %s\n' "${problems[@]}"
  exit 1
fi
echo passed

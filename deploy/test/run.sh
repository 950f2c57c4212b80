#!/usr/bin/env bash
# Every test: all of them on embedded stores, then the integration tests again on PostgreSQL, Redis and RabbitMQ.
# The last lines say what ran, what did not and why; the very last adds it all up. `make test` calls this.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

logs=$(mktemp -d "${TMPDIR:-/tmp}/hostelpulse-run.XXXXXX")
trap 'rm -rf "$logs"' EXIT
passed=0 failed=0 skipped=0 summary=()

# Runs a command and keeps what it says. -i: after Ctrl-C the command still has somewhere to write.
keep() {
    local log=$1
    shift
    "$@" 2>&1 | tee -i "$log"
}

# Adds up cargo's lines `test result: ok. 12 passed; 0 failed; 1 ignored; …` of a log whose command ended with a code.
add() {
    local name=$1 log=$2 code=$3 ran wrong ignored
    read -r ran wrong ignored <<<"$(awk '/^test result: /{ran += $4; wrong += $6; ignored += $8} END {print ran + 0, wrong + 0, ignored + 0}' "$log")"
    # What does not compile has no test that could fail.
    [ "$code" = 0 ] || [ "$wrong" -gt 0 ] || wrong=1
    passed=$((passed + ran)) failed=$((failed + wrong)) skipped=$((skipped + ignored))
    summary+=("$name: $ran passed, $wrong failed, $ignored ignored (exit code $code)")
}

# The binaries of a log that ran any test, each with cargo's own line, and the tests that failed.
show() {
    awk '/^ *(Running|Doc-tests) /{name = $0}
         /^test result: / && $4 + $6 + $8 > 0 {print name; print "  " $0}
         /^test .* \.\.\. FAILED$/' "$1"
}

skip_servers() {
    local tests
    tests=$(awk '/^ *(Running|Doc-tests) /{it = / tests\/it[\/.]/} /^test result: / && it {n += $4 + $6} END {print n + 0}' "$logs/embedded")
    skipped=$((skipped + tests))
    summary+=("servers half: skipped, $tests integration tests: $1")
}

code=0
HOSTELPULSE_TEST_STORES=embedded keep "$logs/embedded" cargo test --workspace --locked --no-fail-fast || code=$?
add "embedded half" "$logs/embedded" "$code"

if ! grep -q '^test result: ' "$logs/embedded"; then
    skip_servers "the tests did not compile"
else
    code=0
    keep "$logs/servers" deploy/test/with-servers.sh cargo test --workspace --locked --no-fail-fast --test it || code=$?
    if why=$(grep -m1 '^with-servers: cannot: ' "$logs/servers") && [ "$code" = 77 ]; then
        skip_servers "${why#with-servers: cannot: }"
    else
        add "servers half" "$logs/servers" "$code"
    fi
fi

printf '\n== what ran\n'
for half in embedded servers; do
    [ ! -e "$logs/$half" ] || { echo "-- $half"; show "$logs/$half"; }
done
printf '\n'
printf '%s\n' "${summary[@]}"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]

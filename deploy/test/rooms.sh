#!/usr/bin/env bash
# What the compiler does not hold: dependencies point one way, and the rules in domain/ do no IO. `make check` calls this.
set -euo pipefail
cd "$(dirname "$0")/../.."
wrong=0

complain() {
    echo "$1" >&2
    wrong=1
}

# What a crate may name of our own; everybody else is a service and stands on the same two, as the gateway does.
may_use() {
    case $1 in
        proto) echo '' ;;
        kit) echo proto ;;
        hostelpulse | bench) printf '%s\n' "${ours[@]}" ;;
        *) echo kit proto ;;
    esac
}

mapfile -t ours < <(find crates -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort)
[ ${#ours[@]} -gt 0 ] || { echo "no crate found under crates/" >&2; exit 1; }
for crate in "${ours[@]}"; do
    allowed=" $(may_use "$crate" | tr '\n' ' ') "
    for other in "${ours[@]}"; do
        # A crate may name itself, to switch a feature on for its own tests.
        [[ $allowed == *" $other "* || $other == "$crate" ]] && continue
        grep -qE "^$other([. =]|\$)" "crates/$crate/Cargo.toml" &&
            complain "crates/$crate/Cargo.toml: $crate must not depend on $other (allowed:${allowed% })"
    done
done

while read -r line; do
    complain "$line: no IO in domain/; pass in what the rule needs"
done < <(grep -rnE '\b(sea_orm|sqlx|tonic|lapin|redis|deadpool_redis|reqwest|actix_web|tokio|std::(fs|env|process)|std::net::(Tcp|Udp)[A-Za-z]*)\b' \
    --include='*.rs' crates/*/src/domain* 2>/dev/null || true)

exit "$wrong"

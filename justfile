# What one does here often. `just` alone lists it.

default:
    @just --list

# Formatting, lints and documentation, as CI wants them.
check:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings
    RUSTDOCFLAGS=-Dwarnings cargo doc --locked --no-deps

# All tests.
test *ARGS:
    cargo test --locked {{ARGS}}

# Every fuzz target for so many seconds, or those that are named (cargo-fuzz; the first build takes minutes).
fuzz SECONDS="600" *TARGETS:
    fuzz/run {{SECONDS}} {{TARGETS}}

# Lives of many certificates, judged by the engine and by an oracle that sees the whole script; and
# lives that are watched in pieces and replayed.
sim SEEDS="20000" TAPES="1000":
    NOTAFTER_SEEDS={{SEEDS}} NOTAFTER_TAPES={{TAPES}} cargo test --locked --release --test simulation

# Lines that strangers can make Caddy log, from a seed and in every wrapper: nothing may open (minutes for a million).
strangers LINES="1000000" SEED="1":
    NOTAFTER_STRANGERS={{LINES}} NOTAFTER_SEED={{SEED}} cargo test --locked --test cli whatever_strangers_send -- --nocapture
    NOTAFTER_STRANGERS={{LINES}} cargo test --locked --test formats strangers

# Every recording printed anew in every format, each alone; the tests print each in one mix.
formats:
    NOTAFTER_EVERY_FORMAT=1 cargo test --locked --test formats every_recording

# When would the alarm have rung?
replay-incident *ARGS:
    cargo run --locked --release -- replay fixtures/incident-2026-05-03/caddy.log {{ARGS}}

# The whole lab, part after part: real Caddys, Matrix, Docker, Podman, systemd (root, Debian 12, half an hour).
lab: lab-expiry lab-scenarios lab-matrix lab-docker lab-podman lab-package

# With `--captures fixtures/captures` it records their logs anew.
# Six versions of Caddy run into an expiry, with notafter watching (root, Debian 12, four minutes).
lab-expiry *ARGS:
    cargo build --locked --release
    python3 tests/lab/run.py --notafter target/release/notafter {{ARGS}}

# Many ways for things to go wrong, on all six versions, and what notafter understands of them (root, ten minutes).
lab-scenarios *ARGS:
    python3 tests/lab/scenarios.py {{ARGS}}
    NOTAFTER_CAPTURES=target/lab/scenarios cargo test --locked --test understood -- --nocapture

# The scenarios' recordings in fixtures/captures; look at the difference before you commit it.
lab-record *ARGS:
    python3 tests/lab/scenarios.py --out fixtures/captures {{ARGS}}

# A real Matrix homeserver takes the alerts (Python 3.11, two minutes).
lab-matrix *ARGS:
    cargo build --locked --release
    python3 tests/lab/matrix.py --notafter target/release/notafter {{ARGS}}

# Containers of a real Docker Engine are read, and notafter's own image runs there (root, Debian 12, minutes).
lab-docker *ARGS: (dist "image")
    python3 tests/lab/docker.py --notafter target/dist/image/root/usr/bin/notafter --image target/dist/image {{ARGS}}

# The same of Podman (4.3 of Debian 12).
lab-podman *ARGS:
    cargo build --locked --release
    python3 tests/lab/docker.py --notafter target/release/notafter --podman {{ARGS}}

# A Debian package, a static tarball and the tree of the image, in target/dist.
dist *ARGS:
    packaging/dist {{ARGS}}

# The package on machines with systemd: by the README, timed; through an outage; removed (root, Debian 12, three minutes).
lab-package: (dist "deb")
    python3 tests/lab/package.py --deb target/dist/notafter_*_amd64.deb

# Write generated fixtures and snapshots anew; look at the difference before you commit it.
bless:
    NOTAFTER_BLESS=1 cargo test --locked --test incident --test replay --test rules --test formats
    INSTA_UPDATE=always cargo test --locked

# Bytes that a healthy and a failing certificate cost, as asked of the allocator (minutes).
memory NAMES="99900":
    NOTAFTER_NAMES={{NAMES}} cargo test --locked --release --test memory -- --nocapture

# What 1,000 rules of a user cost beside one, and an event beside 100,000 names: ratios of medians, side by side
# (minutes, 4.2 GiB in target).
bench *ARGS:
    cargo bench --locked {{ARGS}}

# Everything CI runs.
ci:
    .ci/run

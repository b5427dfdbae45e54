# A part of ci/capi.
step "formatting, clippy, unit tests"
# --all would take what they depend on, too, which is the root's workspace.
(cd src/capi && cargo fmt --package pmem2-capi --package pmem2-capi-hosted \
    --package pmem2-capi-windows --check)
(cd $sources/export && cargo fmt --check)
for workspace in src/capi $sources/export; do
    (cd $workspace && cargo clippy --locked --quiet --workspace --all-targets -- -D warnings)
    (cd $workspace && cargo clippy --locked --quiet --workspace --all-features --all-targets -- \
        -D warnings)
done
(cd src/capi && cargo test --locked --quiet --package pmem2-capi)

//! What this process holds in memory, keys among it, stays there.

/// No core dump is made of this process or of those that it starts, and no other process of the same user reads its memory.
/// Where the system does not allow that, it goes on without: it was not asked for by anybody.
pub(super) fn keep() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = setrlimit(Resource::Core, none);
    // The limit does not count where the kernel hands dumps to a program, such as systemd's.
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

//! A timer of the kernel's that wakes to the microsecond: time limits of polls are whole
//! milliseconds, and sleeping threads are woken some 50 us late.

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// Readable when its time is over.
#[derive(Debug)]
pub(super) struct Timer(OwnedFd);

impl Timer {
    /// One that is waited for with a poll.
    pub(super) fn for_poll() -> io::Result<Self> {
        Self::with(TimerfdFlags::NONBLOCK)
    }

    /// One that a thread waits for.
    pub(super) fn for_thread() -> io::Result<Self> {
        Self::with(TimerfdFlags::empty())
    }

    fn with(flags: TimerfdFlags) -> io::Result<Self> {
        let flags = flags | TimerfdFlags::CLOEXEC;
        Ok(Self(rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?))
    }

    /// Sets the time after which it is readable.
    pub(super) fn arm(&self, after: Duration) -> io::Result<()> {
        // Zero would disarm it.
        let after = after.max(Duration::from_nanos(1));
        let it_value = Timespec {
            tv_sec: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: after.subsec_nanos().into(),
        };
        let value = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
        rustix::time::timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &value)?;
        Ok(())
    }

    /// Reads it: waits where it is for a thread, and makes it unreadable again.
    pub(super) fn read(&self) {
        let mut expirations = [0; 8];
        // Nothing to read where it was armed anew meanwhile.
        let _read = rustix::io::read(&self.0, &mut expirations);
    }
}

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

//! The pacer against simulated feeds.

//! The outbox into channels: ntfy and webhooks, with retry and back-off.

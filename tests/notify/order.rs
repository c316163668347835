//! What a channel is owed comes in order, and what is overtaken does not come.

use crate::{courier, debt, failing_at_first, header, next, webhook};
use notafter::engine::message::Reason;
use notafter::notify::{CAPACITY, Owed};
use notafter::store::Fate;
use std::time::Duration;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

#[tokio::test]
async fn messages_arrive_in_order_also_when_the_first_fails() {
    let server = failing_at_first(503, 3).await;
    let mut courier = courier(vec![webhook("hook", &server)]);
    for ticket in 1..=20 {
        courier.owe(debt(ticket, "hook"));
    }
    let mut tried = Vec::new();
    while tried.last() != Some(&20) {
        tried.push(next(&mut courier).await.ticket);
    }
    let expected: Vec<i64> = [1, 1, 1].into_iter().chain(1..=20).collect();
    assert_eq!(tried, expected);
    let requests = server.received_requests().await.unwrap();
    let keys: Vec<_> = requests
        .iter()
        .map(|r| header(r, "idempotency-key").unwrap())
        .collect();
    let expected: Vec<_> = expected.iter().map(|ticket| format!("m{ticket}")).collect();
    assert_eq!(keys, expected);
}

#[tokio::test]
async fn a_reminder_that_waited_for_newer_news_of_its_incident_is_not_sent() {
    let server = failing_at_first(503, 2).await;
    let mut courier = courier(vec![webhook("hook", &server)]);
    let of = |ticket, incident: &str, reason| {
        let mut debt = debt(ticket, "hook");
        debt.message.incident = incident.into();
        debt.message.reason = reason;
        debt
    };
    // The first reminder of i1 is overtaken by another, that of i2 by the end.
    for debt in [
        of(1, "i1", Reason::Opened),
        of(2, "i1", Reason::Repeated),
        of(3, "i2", Reason::Repeated),
        of(4, "i1", Reason::Worsened),
        of(5, "i1", Reason::Repeated),
        of(6, "i2", Reason::Closed),
        of(7, "i3", Reason::Repeated),
    ] {
        assert_eq!(courier.owe(debt), Owed::Taken);
    }
    let mut settled = Vec::new();
    while settled.len() < 7 {
        let outcome = next(&mut courier).await;
        match outcome.fate {
            Fate::Delivered => settled.push((outcome.ticket, outcome.attempts, true)),
            Fate::Superseded => settled.push((outcome.ticket, outcome.attempts, false)),
            other => assert!(matches!(other, Fate::Later { .. }), "{other:?}"),
        }
    }
    let expected = [
        (1, 3, true),
        (2, 0, false),
        (3, 0, false),
        (4, 1, true),
        (5, 1, true),
        (6, 1, true),
        (7, 1, true),
    ];
    assert_eq!(settled, expected);
    // What is settled is forgotten: a reminder that comes alone is sent.
    courier.owe(of(8, "i1", Reason::Repeated));
    assert_eq!(next(&mut courier).await.fate, Fate::Delivered);
    assert_eq!(server.received_requests().await.unwrap().len(), 8);
}

#[tokio::test]
async fn a_channel_that_hangs_keeps_no_other_waiting() {
    let (dead, alive) = (MockServer::start().await, MockServer::start().await);
    let hang = ResponseTemplate::new(200).set_delay(Duration::from_mins(1));
    Mock::given(method("POST"))
        .respond_with(hang)
        .mount(&dead)
        .await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&alive)
        .await;
    let mut courier = courier(vec![webhook("dead", &dead), webhook("alive", &alive)]);
    for ticket in 0..10 {
        courier.owe(debt(2 * ticket, "dead"));
        courier.owe(debt(2 * ticket + 1, "alive"));
    }
    for ticket in 0..10 {
        let outcome = next(&mut courier).await;
        assert_eq!(
            (outcome.channel.as_str(), outcome.ticket),
            ("alive", 2 * ticket + 1)
        );
    }
    // The dead one is still busy with its first.
    assert!(dead.received_requests().await.unwrap().len() <= 1);
}

#[tokio::test]
async fn what_finds_no_room_is_asked_for_again_in_order() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(200))
        .mount(&server)
        .await;
    let mut courier = courier(vec![webhook("hook", &server)]);
    assert_eq!(courier.owe(debt(1, "gone")), Owed::NoSuchChannel);
    let capacity = i64::try_from(CAPACITY).unwrap();
    for ticket in 1..=capacity {
        assert_eq!(courier.owe(debt(ticket, "hook")), Owed::Taken);
    }
    assert_eq!(courier.owe(debt(capacity + 1, "hook")), Owed::Full);
    for ticket in 1..=capacity {
        assert!(!courier.has_room("hook"));
        assert_eq!(next(&mut courier).await.ticket, ticket);
        if ticket < capacity {
            // There is room, but this one would overtake.
            assert_eq!(courier.owe(debt(capacity + 2, "hook")), Owed::Full);
        }
    }
    assert!(courier.has_room("hook"));
    assert!(!courier.has_room("hook"));
    assert_eq!(courier.owe(debt(capacity + 1, "hook")), Owed::Taken);
    assert_eq!(next(&mut courier).await.ticket, capacity + 1);
}

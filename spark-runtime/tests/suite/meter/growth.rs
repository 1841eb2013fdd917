//! Growth: refused by the guest's own maximum, by the room, or failed.

use spark_runtime::meter::{FLAG_DENIED, FLAG_FAILED, FLAGS, FUEL, ROOM, TABLE_ELEMENTS_MAX};
use wasmi::Val;

use super::{End, Guest};

const TEXT: &str = r#"(module (memory 1 10) (table $t 2 20 externref) (table $u 1 funcref)
    (table $v 1 20000000 funcref)
    (func (export "vast") (param i32) (result i32) (table.grow $v (ref.null func) (local.get 0)))
    (func (export "memory") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "size") (result i32) (memory.size))
    (func (export "table") (param i32) (result i32) (table.grow $t (ref.null extern) (local.get 0)))
    (func (export "elements") (result i32) (table.size $t))
    (func (export "other") (param i32) (result i32) (table.grow $u (ref.null func) (local.get 0))))"#;

#[test]
fn over_the_declared_maximum_the_guest_is_told() {
    let mut guest = Guest::new(TEXT);
    let room = guest.get(ROOM);
    for (name, by) in [("memory", 10), ("memory", -1), ("table", 19), ("table", -1)] {
        assert_eq!(guest.number(name, &[by]), -1, "{name} by {by}");
    }
    let most = i32::try_from(TABLE_ELEMENTS_MAX).unwrap();
    assert_eq!(guest.number("other", &[most]), -1);
    assert_eq!(guest.number("vast", &[most]), -1);
    assert_eq!((guest.get(FLAGS), guest.get(ROOM)), (0, room));
    assert_eq!((guest.number("memory", &[9]), guest.number("size", &[])), (1, 10));
    assert_eq!((guest.number("table", &[18]), guest.number("elements", &[])), (2, 20));
    assert_eq!(room - guest.get(ROOM), (9 << 16) + 18 * 8);
    assert_eq!((guest.number("memory", &[0]), guest.number("table", &[0])), (10, 20));
}

#[test]
fn over_the_room_the_guest_is_told_and_the_host_can_see_it() {
    let mut guest = Guest::new(TEXT);
    guest.set(ROOM, (2 << 16) + 7);
    let fuel = guest.get(FUEL);
    assert_eq!(guest.number("memory", &[3]), -1);
    assert_eq!(guest.get(FLAGS), i64::from(FLAG_DENIED));
    // What is not granted costs nothing by its size.
    assert!(fuel - guest.get(FUEL) < 50);
    assert_eq!(guest.number("memory", &[2]), 1);
    assert_eq!(fuel - guest.get(FUEL), 2 * 1024 + 2 * (16 + 1));
    assert_eq!((guest.number("table", &[1]), guest.number("memory", &[1])), (-1, -1));
    assert_eq!((guest.number("size", &[]), guest.number("elements", &[])), (3, 2));
    guest.set(ROOM, 0);
    assert_eq!(guest.number("memory", &[0]), 3);
}

#[test]
fn growth_that_the_machine_cannot_honour_is_never_seen_by_the_guest() {
    for name in ["memory", "table", "other"] {
        let mut guest = Guest::new(TEXT);
        guest.set_machine(2 << 16, 3);
        assert!(guest.call(name, &[Val::I32(1)]).is_ok());
        assert_eq!(guest.get(FLAGS), 0);
        assert_eq!(guest.call(name, &[Val::I32(3)]).unwrap_err(), End::GrowthFailed);
        assert_eq!(guest.get(FLAGS), i64::from(FLAG_FAILED));
    }
}

#[test]
fn growth_is_charged_for_before_it_is_done() {
    let mut guest = Guest::new(TEXT);
    guest.set(FUEL, 5000);
    assert_eq!(guest.call("memory", &[Val::I32(9)]).unwrap_err(), End::OutOfFuel);
    guest.set(FUEL, 5000);
    assert_eq!(guest.number("size", &[]), 1);
}

//! What holds on every platform: each case gets a platform and slots of its own.

#[path = "conformance/disk.rs"]
mod disk;
#[path = "conformance/key.rs"]
mod key;
#[path = "conformance/slots.rs"]
mod slots;
#[path = "conformance/storage.rs"]
mod storage;
#[path = "conformance/tasks.rs"]
mod tasks;

pub(crate) use self::{disk::*, key::*, slots::*, storage::*, tasks::*};

/// Calls a macro with the name of every case.
#[macro_export]
macro_rules! every_case {
    ($case:ident) => {
        $case!(time_never_goes_back);
        $case!(the_wall_clock_is_of_our_time);
        $case!(a_sleep_does_not_end_early);
        $case!(sleeps_end_in_order_of_their_length);
        $case!(a_spawned_task_runs_later_and_beside);
        $case!(random_bytes_differ);

        $case!(what_is_put_is_there_until_deleted);
        $case!(a_reopened_store_has_all);
        $case!(stores_do_not_mix);
        $case!(keys_are_listed_by_prefix_in_order);
        $case!(bad_store_names_are_refused);
        $case!(limits_hold_and_are_reached);
        $case!(a_batch_is_all_or_nothing);
        $case!(a_full_store_refuses_more);
        $case!(a_write_that_nobody_polls_writes_nothing);
        $case!(a_write_dropped_half_way_is_whole_or_absent);
        $case!(writes_take_effect_in_order);

        $case!(slots_are_given_once_and_lowest_first);
        $case!(when_all_slots_are_taken_there_is_none);
        $case!(the_preferred_slot_is_given_if_free);
        $case!(the_preferred_slot_is_waited_for);
        $case!(a_preferred_slot_that_stays_held_is_given_up);
        $case!(a_preferred_slot_that_can_not_be_is_ignored);
        $case!(ions_at_once_get_different_slots_and_keys);
        $case!(a_released_slot_is_taken_over_with_its_data);

        $case!(a_key_is_made_once);
        $case!(a_damaged_key_is_kept_aside);
    };
}

/// Calls a macro with the name of every case of the disk.
#[macro_export]
macro_rules! every_disk_case {
    ($case:ident) => {
        $case!(a_record_is_there_until_deleted);
        $case!(tables_do_not_share_keys);
        $case!(many_are_read_at_once_in_the_order_asked);
        $case!(keys_are_ordered_as_bytes);
        $case!(a_range_has_its_start_and_not_its_end);
        $case!(pages_follow_each_other_without_gap);
        $case!(pages_of_large_values_stay_within_their_bytes);
        $case!(changes_over_tables_are_all_or_nothing);
        $case!(limits_of_a_disk_hold_and_are_reached);
        $case!(a_write_of_too_much_is_refused);
        $case!(a_reopened_disk_has_all);
        $case!(disks_and_stores_do_not_mix);
        $case!(bad_names_of_disks_are_refused);
        $case!(a_change_that_nobody_polls_is_not_made);
        $case!(changes_dropped_half_way_are_whole_or_absent);
        $case!(changes_are_made_in_order);
        $case!(handles_at_once_lose_nothing);
        $case!(usage_grows_with_what_is_written);
    };
}

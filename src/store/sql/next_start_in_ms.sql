select sluicegate.next_start_in_ms() as ms

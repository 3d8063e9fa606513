-- A request may allow no step at all: its run is stored and ends at once, as in the original.
alter table runs drop constraint runs_max_steps_check;
alter table runs add constraint runs_max_steps_check check (max_steps >= 0);

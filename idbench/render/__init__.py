"""The drawing kit of pages and tables; report and calibrate both use it."""

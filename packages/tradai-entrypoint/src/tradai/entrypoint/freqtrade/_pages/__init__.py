"""Parts of a report that each mode lays out, made from the files in the folder of a run."""

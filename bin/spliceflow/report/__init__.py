"""Tables and plots for the MultiQC report."""

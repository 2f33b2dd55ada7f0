"""Tables, figures, sheets and pages, made from stored receipts alone; the same receipts give the same bytes."""

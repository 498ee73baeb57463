"""Reading identity documents: OCR, and the layout of its text into AnalyzeID's fields."""

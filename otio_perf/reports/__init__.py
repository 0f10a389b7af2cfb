"""An analysis or a plan for people and programs: terminal, JSON, HTML. Pure: values in, text out."""

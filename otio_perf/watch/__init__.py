"""What changes on disk while somebody works: folders of rushes, and timelines. Says what has settled; does nothing about it."""

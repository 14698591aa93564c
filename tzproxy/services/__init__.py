"""What one worker runs on, whoever asks it: an HTTP server, or a client in the same process."""

"""Audio: files to waveforms, waveforms to vectors."""

"""What a user can ask for, each written once over store, analysis and embedding; every host calls these."""

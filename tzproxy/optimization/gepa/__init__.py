"""GEPA: better prompts by reflection. A model reads how answers scored, another rewrites the templates."""

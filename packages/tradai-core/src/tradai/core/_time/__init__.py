"""Instants, time ranges and candles in UTC."""

#!/bin/sh
exec hook-worker "$@"

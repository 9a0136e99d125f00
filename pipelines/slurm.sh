#!/bin/bash
# slurm.sh WORKERS OPTION... FILM_OR_FOLDER...: stylises films on a Slurm cluster by an array of WORKERS tasks, each of which takes what
# nobody works on; whoever finishes the last segment of a film joins it. Options and films are those of `adain transcode`. Films and
# --out lie in a folder that all nodes see, or in a bucket, with the keys in the environment or a profile:
#
#   slurm.sh 8 --out /shared/styled --style oil.jpg /shared/films
#   slurm.sh 8 --out s3://bucket/styled --style oil.jpg s3://bucket/films
#
# Prints the number of the array. Tasks may be killed, requeued, come later or not at all (fewer nodes than WORKERS): what a task held
# is given back or runs out. How far they are says `adain transcode --status OUT`.
#
# For sbatch; edit as your cluster wants it. One # less, and tasks get a GPU each:
##SBATCH --gres=gpu:1
##SBATCH --cpus-per-task=8
##SBATCH --time=12:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

adain=${ADAIN:-adain}
if [ "${1-}" = work ]; then
  shift
  exec "$adain" transcode --worker "$@"
fi

workers=${1-}
[[ $workers =~ ^[1-9][0-9]*$ && $# -gt 1 ]] || { echo 'usage: slurm.sh WORKERS OPTION... FILM_OR_FOLDER...' >&2; exit 1; }
shift
array=$(sbatch --parsable --job-name=adain --output=adain-%A_%a.log --array="0-$((workers - 1))" "$0" work "$@")
echo "array ${array%%;*}"

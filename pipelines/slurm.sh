#!/bin/bash
# slurm.sh SHARDS OPTION... FILM_OR_FOLDER...: stylises films on a Slurm cluster. An array of SHARDS tasks shares the work, a last job
# joins it. Options and films are those of `adain transcode`; films and the folder of --out lie where all nodes see them.
#
#   slurm.sh 8 --out /shared/styled --style oil.jpg /shared/films
#
# Prints the numbers of the two jobs. A task that was killed may run again (scontrol requeue, or the same line once more): finished
# segments are kept. The last job starts whatever became of the tasks; it looks at what they left and says what is missing.
#
# For sbatch; edit as your cluster wants it. One # less, and tasks get a GPU each:
##SBATCH --gres=gpu:1
##SBATCH --cpus-per-task=8
##SBATCH --time=12:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

adain=${ADAIN:-adain}
case ${1-} in
  shard)
    shards=$2
    shift 2
    exec "$adain" transcode --shard "/$shards" "$@" ;;
  join)
    shift
    exec "$adain" transcode --join "$@" ;;
esac

shards=${1-}
[[ $shards =~ ^[1-9][0-9]*$ && $# -gt 1 ]] || { echo 'usage: slurm.sh SHARDS OPTION... FILM_OR_FOLDER...' >&2; exit 1; }
shift
array=$(sbatch --parsable --job-name=adain --output=adain-%A_%a.log --array="0-$((shards - 1))" "$0" shard "$shards" "$@")
array=${array%%;*}
last=$(sbatch --parsable --job-name=adain-join --output=adain-%j-join.log --dependency="afterany:$array" "$0" join "$@")
echo "array $array"
echo "join ${last%%;*}"

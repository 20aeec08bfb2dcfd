#!/usr/bin/env bash
# A grid of nets of pictures, one per task of a Slurm array, from the root of a set-up checkout:
#   sbatch docs/examples/slurm_grid.sh DIR
# What follows DIR is options of fit. Without Slurm: SLURM_ARRAY_TASK_ID=3 bash docs/examples/slurm_grid.sh DIR
# `fit` runs under srun, for Slurm warns only what srun started (docs/distributed.md).
#SBATCH --job-name=ersam-grid
#SBATCH --array=0-11
#SBATCH --cpus-per-task=2
#SBATCH --mem=8G
#SBATCH --time=04:00:00
#SBATCH --signal=SIGUSR1@90
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=ersam-grid-%A-%a.log

set -euo pipefail
fail() { echo "error: $0: $1" >&2; exit 2; }
[ -n "${1:-}" ] || fail "no DIR given; name the folder of recordings"
recordings=$1; shift
cnns=(squeezenet1_1 mobilenet_v2)
maps=(viridis magma grey)
scales=(mel linear)

place=${SLURM_ARRAY_TASK_ID:-none}
[[ $place =~ ^([0-9]|1[01])$ ]] || fail "SLURM_ARRAY_TASK_ID: got $place, expected 0 to 11; give this to sbatch"
cnn=${cnns[place % 2]} map=${maps[place / 2 % 3]} scale=${scales[place / 6]}
source .venv/bin/activate
export SRUN_CPUS_PER_TASK="${SLURM_CPUS_PER_TASK:-1}"  # since Slurm 22.05 not taken over from sbatch
${SLURM_JOB_ID:+srun} python -m lightning_modules fit --config lightning_modules/configs/deepspectrum.yaml \
  --data.root "$recordings" --trainer.default_root_dir "runs/grid/$cnn-$map-$scale" \
  --model.pictures.cnn "$cnn" --model.pictures.colour_map "$map" --model.pictures.scale "$scale" "$@"

# One fit of the contest by brms. Rscript brms.R FOLDER
#
# FOLDER holds rows.csv and asked.json (scales of priors, sampler, seed; without a seed nothing is drawn); model.rds is
# the compiled model, made where it is absent. Writes told.json (seconds, gradients) and, drawn, draws.csv.
suppressMessages(library(brms))
folder <- commandArgs(trailingOnly = TRUE)[1]
at <- function(name) file.path(folder, name)
asked <- jsonlite::read_json(at("asked.json"), simplifyVector = TRUE)

rows <- utils::read.csv(at("rows.csv"), stringsAsFactors = FALSE)
rows$answer <- factor(rows$answer, ordered = TRUE)
rows$district <- factor(rows$district)
for (name in names(asked$levels)) rows[[name]] <- factor(rows[[name]], levels = asked$levels[[name]])

# Debian keeps Boost outside the R package that rstan asks for it: a library of this session alone, with a link.
if (!nzchar(system.file("include", package = "BH")) && dir.exists("/usr/include/boost")) {
  library_here <- file.path(tempdir(), "library")
  dir.create(library_here)
  file.copy(system.file(package = "BH"), library_here, recursive = TRUE)
  dir.create(file.path(library_here, "BH", "include"))
  file.symlink("/usr/include/boost", file.path(library_here, "BH", "include", "boost"))
  .libPaths(c(library_here, .libPaths()))
}

normal <- function(scale, ...) set_prior(sprintf("normal(0, %.8f)", scale), ...)
priors <- function() {
  s <- asked$scale
  of_level <- function(name) lapply(paste0(name, gsub(" ", "", asked$levels[[name]][-1])),
                                    function(coef) normal(s[[name]], class = "b", coef = coef))
  of_cut <- function(k) set_prior(sprintf("normal(%.8f, %.8f)", s$cutpoint$mean[k], s$cutpoint$sd[k]),
                                  class = "Intercept", coef = as.character(k))
  Reduce(c, c(
    lapply(c("gift", "passed", "received", "between"), function(term) normal(s[[term]], class = "b", coef = term)),
    unlist(lapply(names(asked$levels), of_level), recursive = FALSE),
    lapply(seq_along(s$cutpoint$mean), of_cut),
    list(normal(s$district_sd, class = "sd", group = "district", coef = "Intercept"),
         normal(s$gift_sd, class = "sd", group = "district", coef = "gift"))
  ))
}

told <- list()
if (!file.exists(at("model.rds"))) {
  formula <- as.formula(paste("answer ~", asked$formula))
  started <- proc.time()[["elapsed"]]
  made <- make_standata(formula, data = rows, family = cumulative("logit"), prior = priors())
  told$preparation <- proc.time()[["elapsed"]] - started
  started <- proc.time()[["elapsed"]]
  model <- brm(formula, data = rows, family = cumulative("logit"), prior = priors(), chains = 0, silent = 2)
  told$compilation <- proc.time()[["elapsed"]] - started - told$preparation  # brm makes the data once more
  saveRDS(model, at("model.rds"))
} else {
  model <- readRDS(at("model.rds"))
}

if (!is.null(asked$seed)) {
  fit <- update(model, newdata = rows, recompile = FALSE, chains = asked$chains, cores = asked$cores,
                iter = asked$tune + asked$draws, warmup = asked$tune, seed = asked$seed, refresh = 0, silent = 2)
  every <- rstan::get_sampler_params(fit$fit, inc_warmup = TRUE)
  kept <- rstan::get_sampler_params(fit$fit, inc_warmup = FALSE)
  mean_of <- function(chains, name) mean(sapply(chains, function(chain) mean(chain[, name])))
  told$chains <- rowSums(rstan::get_elapsed_time(fit$fit))
  told$steps <- sum(sapply(every, function(chain) sum(chain[, "n_leapfrog__"])))
  told$gradients <- mean_of(kept, "n_leapfrog__")
  told$depth <- mean_of(kept, "treedepth__")
  told$diverging <- mean_of(kept, "divergent__")
  draws <- as.data.frame(posterior::as_draws_df(as.array(fit, variable = c("^b_", "^sd_", "^r_"), regex = TRUE)))
  utils::write.csv(draws, at("draws.csv"), row.names = FALSE)
}
write(jsonlite::toJSON(told, auto_unbox = TRUE, digits = NA), at("told.json"))
